// Find the rows whose vectors point most nearly the same way as a query's: exact cosine, every row looked at.
//
// Vectors are computed with as they are stored: int8 by its scales, of bits each is 1 or -1. Against the query's own
// floats that is what others call rescoring, but of all rows, so that none is lost before.
// Sums are double, and their order is fixed: equal vectors have equal scores, and the answer is the same whatever the
// number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"

namespace llama {

struct SearchOptions {
  std::size_t k = 10;                                   // best rows of each query; all where there are fewer
  const RowSet* rows = nullptr;                         // nothing: all rows
  int threads = 0;                                      // 0: as many as the machine has
  std::function<void(std::uint64_t rows)> on_progress;  // looked at so far; by any thread, one at a time
};

struct SearchHit {
  std::uint64_t row = 0;
  double score = 0;  // cosine, -1 to 1
  friend bool operator==(const SearchHit&, const SearchHit&) = default;
};

struct SearchAnswer {
  std::vector<std::vector<SearchHit>> hits;  // of each query: by score, equal ones by row
  std::uint64_t searched = 0;                // rows with a score
  // Rows without one, of those that were to be searched.
  std::uint64_t nulls = 0, other_lengths = 0, non_finite = 0, zeros = 0;
  [[nodiscard]] std::uint64_t left_out() const { return nulls + other_lengths + non_finite + zeros; }
};

// queries: each of file.dimension() numbers.
//
// Errors   InvalidArgument: a query of other dimensions (says both), without a direction (zeros, NaN), none at all;
//          those of VectorReader.
// Memory   k hits of each query for each thread, a block of vectors for each thread.
// Cost     every vector is read once, whatever the number of queries, and multiplied with each of them.
[[nodiscard]] Result<SearchAnswer> search_vectors(const VectorFile& file, std::span<const std::vector<float>> queries,
                                                  const SearchOptions& options, const std::stop_token& stop = {});

// The vector of one row, to search with.
//
// Errors   InvalidArgument: there is no such row, it has no vector, or one without a direction; those of VectorReader.
[[nodiscard]] Result<std::vector<float>> vector_of_row(const VectorFile& file, std::uint64_t row,
                                                       const std::stop_token& stop = {});

}  // namespace llama
