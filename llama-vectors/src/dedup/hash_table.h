// One table of the search for near rows: each vector's number, and the pairs among those that share one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <stop_token>
#include <utility>
#include <vector>

#include "dedup/held_vectors.h"
#include "dedup/row_sets.h"
#include "llama-base/error.h"
#include "values/vector_widener.h"

namespace llama::internal {

// Normally distributed numbers: the same for a seed on every machine, which the standard library's are not.
class Gaussian {
 public:
  explicit Gaussian(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] double next();

 private:
  std::mt19937_64 random_;
};

// Vectors with a direction, by the numbers that they have here: entry i is row rows[i].
class NearRows {
 public:
  // All of them outlive it. Requires rows.size() < 2^32.
  NearRows(const HeldVectors& vectors, const std::vector<std::uint64_t>& rows, const VectorWidener& widener,
           double threshold, std::size_t workers)
      : vectors_(vectors), rows_(rows), widener_(widener), threshold_(threshold), workers_(workers) {}

  // Joins the pairs that one table of so many bits finds. bits 0: all pairs.
  //
  // Memory   16 bytes for each vector; for each worker 2 * 128 wide vectors, and 16 bytes for each row it compares.
  Result<void> join_table(int bits, Gaussian& random, RowSets<std::uint64_t>& sets, const std::stop_token& stop);

  // Of pairs that follow from the seed.
  [[nodiscard]] std::vector<double> random_cosines(std::size_t pairs, std::uint64_t seed) const;

 private:
  struct Entry {
    std::uint64_t number;
    std::uint64_t place;  // in rows_
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  struct Tile;
  // Rows that share a number, entries from begin to end, and one of the equal parts that comparing them is cut into.
  struct Share {
    std::size_t begin, end, part, parts;
  };

  Result<std::vector<Entry>> number_rows(int bits, Gaussian& random, const std::stop_token& stop) const;
  void widen(std::uint64_t place, double* out) const;
  void fill(Tile& tile, const std::vector<std::uint64_t>& places, std::size_t begin, std::size_t count) const;
  void find_pairs(const std::vector<Entry>& entries, const Share& share, const RowSets<std::uint64_t>& sets,
                  Pairs& found, const std::stop_token& stop) const;

  const HeldVectors& vectors_;
  const std::vector<std::uint64_t>& rows_;
  const VectorWidener& widener_;
  double threshold_;
  std::size_t workers_;
};

}  // namespace llama::internal
