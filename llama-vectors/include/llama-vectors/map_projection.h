// Lay vectors out on a plane such that near ones stay near, and tell the nearest of each.
//
// Principal axes (at most 50) make the search for neighbours cheap; the neighbours themselves are ranked by the cosine
// of the whole vectors. UMAP then moves points such that the graph of neighbours is kept.
//
// Source   UMAP: L. McInnes, J. Healy, J. Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension
//          Reduction", arXiv:1802.03426 (2018). The places that it begins with are the first two principal axes:
//          D. Kobak, G. Linderman, "Initialization is critical for preserving global data structure in both t-SNE
//          and UMAP", Nature Biotechnology 39 (2021).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// n rows of `dimension` numbers, one after the other.
struct VectorMatrix {
  std::span<const float> values;
  std::size_t dimension = 0;

  [[nodiscard]] std::size_t rows() const { return dimension == 0 ? 0 : values.size() / dimension; }
  [[nodiscard]] std::span<const float> row(std::size_t i) const { return values.subspan(i * dimension, dimension); }
};

struct MapPlace {
  float x = 0, y = 0;  // from -1 to 1
  friend bool operator==(const MapPlace&, const MapPlace&) = default;
};

// How far a part of the work is, from 0 to 1; the names of the parts are for people. From the caller's thread.
using MapProgress = std::function<void(std::string_view part, double share)>;

// These change the picture.
struct ProjectionOptions {
  std::uint64_t seed = 1;
  std::size_t neighbors = 15;  // of the graph: more of them show more of the whole and less of the details
  std::size_t epochs = 0;      // 0: 500 for up to 10,000 rows, else 200
  // These do not.
  std::size_t threads = 0;  // 0: as many as the machine has
  MapProgress progress = {};
};

struct Projection {
  std::vector<MapPlace> places;
  // The nearest of row i, the most similar first: near[i * near_each + j], with the cosine of the two vectors.
  std::size_t near_each = 0;
  std::vector<std::uint32_t> near = {};
  std::vector<float> similarities = {};
};

// Requires  finite numbers and no row of zeros (has_direction).
// Errors    InvalidArgument: no rows, 2^31 or more, neighbors of 0 or above 200; OutOfMemory; Cancelled.
// Threads   pure; its own threads are gone when it returns. The result depends on the seed and on the machine's
//           floating-point instructions, and on nothing else: not on the number of threads.
// Cost      n × 50 numbers, n × 3 × neighbors candidates; 20,000 rows take seconds, a million some minutes.
[[nodiscard]] Result<Projection> project(const VectorMatrix& vectors, const ProjectionOptions& options,
                                         const std::stop_token& stop = {});

// Is it a vector that project() takes: finite, and not all zeros?
[[nodiscard]] bool has_direction(std::span<const float> vector);

}  // namespace llama
