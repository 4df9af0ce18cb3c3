// Find the crowds of a map and name each by its most typical words.
//
// Crowds are the hills of the points' density, cut apart in the valleys between them; a hill that hardly rises above
// its valley belongs to the higher one beside it. Each crowd has parts, found the same way with more hills.
//
// Source   hills: F. Chazal, L. Guibas, S. Oudot, P. Skraba, "Persistence-based clustering in Riemannian manifolds",
//          Journal of the ACM 60 (2013), here on a grid. Words: by classes, as in M. Grootendorst, "BERTopic: Neural
//          topic modeling with a class-based TF-IDF procedure", arXiv:2203.05794 (2022), weighed by their part of the
//          Kullback-Leibler divergence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-vectors/map_projection.h"

namespace llama {

inline constexpr std::size_t kNoCluster = static_cast<std::size_t>(-1);

struct MapCluster {
  MapPlace middle;
  float radius = 0;  // root of the mean square distance
  std::size_t count = 0;
  std::size_t parent = 0;               // of a part: the cluster's index
  std::vector<std::string> words = {};  // at most five; none where no text has a typical word
};

struct MapClusters {
  std::vector<MapCluster> clusters;       // the largest first; at most 36
  std::vector<std::uint16_t> cluster_of;  // of each point: its cluster's index + 1; 0: in none
  // The largest first. A cluster that would have only one has none; small crowds apart from all clusters are parts
  // of none (parent: kNoCluster).
  std::vector<MapCluster> parts;
};

// places and texts belong together. Texts are UTF-8.
// Errors   Cancelled; Internal: ICU lacks its rules for words.
// Threads  pure.
// Cost     a few passes over the points; the words of 50,000 texts at most, of which the first thousand bytes count.
[[nodiscard]] Result<MapClusters> find_clusters(std::span<const MapPlace> places,
                                                std::span<const std::string_view> texts,
                                                const std::stop_token& stop = {});

}  // namespace llama
