// Keep some rows' vectors, chosen by a seed, and compare each with each.
//
// Which rows are chosen depends on their number and the seed alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/inspection.h"

namespace llama::internal {

// `count` of the numbers below `rows`, rising; all where there are fewer.
[[nodiscard]] std::vector<std::uint64_t> choose_sample(std::uint64_t rows, std::size_t count, std::uint64_t seed);

class VectorSample {
 public:
  VectorSample(std::uint64_t rows, std::size_t count, std::uint64_t seed, std::size_t length);

  // Keeps the vector of a row that is chosen and has a direction.
  // Threads  any, each with other rows.
  void offer(std::uint64_t row, const double* values, double norm);

  struct Similarities {
    std::size_t sampled = 0;
    std::optional<Distribution> pairs{}, neighbours{};
  };
  // Once.
  [[nodiscard]] Result<Similarities> compare(std::size_t workers, const std::stop_token& stop);

 private:
  std::vector<std::uint64_t> rows_;  // rising
  std::size_t length_;
  std::vector<char> has_;       // of each row
  std::vector<double> values_;  // likewise, of length 1
};

}  // namespace llama::internal
