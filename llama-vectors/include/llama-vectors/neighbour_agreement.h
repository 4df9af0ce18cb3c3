// Say how far two models agree on which texts are near each other: what search results have in common.
//
// The vectors of the two need not have the same dimension, and are never compared with each other.
// Source   recall@k against exact neighbours: Aumüller, Bernhardsson, Faithfull, "ANN-Benchmarks", 2017. Rank
//          correlation: Spearman, "The proof and measurement of association between two things", 1904.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct NeighbourAgreement {
  std::size_t compared = 0;  // texts that have a direction in both
  std::size_t k = 0;         // neighbours of each; fewer than asked for where there are fewer texts
  // The share of a text's k nearest others in the first that are among its k nearest in the second, as a mean of all.
  double recall = 0;
  double rank_correlation = 0;         // Spearman's, of all pairs' cosines; 0 where all are equal in one of them
  std::vector<std::size_t> positions;  // of the compared texts, as given
  // Of each, the share that `recall` is the mean of; none where one text alone is compared, which has no neighbours.
  std::vector<double> overlaps;
};

// a, b: vectors of the same texts in the same order; an empty one stands for none.
//
// Errors   InvalidArgument: lists of different lengths, vectors of different dimensions in one; Cancelled, OutOfMemory.
// Memory   24 bytes for each pair of texts.
// Cost     as many products as pairs, twice, and their sorting.
[[nodiscard]] Result<NeighbourAgreement> compare_neighbours(std::span<const std::vector<float>> a,
                                                            std::span<const std::vector<float>> b, std::size_t k,
                                                            int threads = 0, const std::stop_token& stop = {});

}  // namespace llama
