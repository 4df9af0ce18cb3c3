// Queries as they are multiplied with stored vectors: of length 1, as doubles; of bits as sums that are looked up.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llama-vectors/vector_file.h"
#include "values/vector_widener.h"

namespace llama::internal {

class QueryVectors {
 public:
  // Errors   those that search_vectors() has of queries.
  [[nodiscard]] static Result<QueryVectors> make(const VectorFile& file, std::span<const std::vector<float>> queries);

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] const double* values() const { return values_.data(); }  // one after the other, length() each

  // The sum of the query's values, each with its bit's sign. bits: (dimension / 8) bytes.
  [[nodiscard]] double signed_sum(std::size_t query, const std::byte* bits) const;
  // What makes a cosine of a sum over bits.
  [[nodiscard]] double bits_scale() const { return bits_scale_; }

 private:
  QueryVectors() = default;
  void make_tables(std::size_t dimension);

  std::size_t count_ = 0, length_ = 0, bytes_ = 0;
  std::vector<double> values_;
  std::vector<double> tables_;  // of bits: for each query and half byte the sixteen sums
  double bits_scale_ = 1;
};

}  // namespace llama::internal
