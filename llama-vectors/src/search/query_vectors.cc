#include "search/query_vectors.h"

#include <cmath>
#include <format>

namespace llama::internal {

Result<QueryVectors> QueryVectors::make(const VectorFile& file, std::span<const std::vector<float>> queries) {
  const auto dimension = static_cast<std::size_t>(file.dimension());
  if (queries.empty()) return fail(ErrorCode::InvalidArgument, "there is no query");
  QueryVectors made;
  made.count_ = queries.size();
  made.length_ = padded(dimension);
  made.values_.resize(made.count_ * made.length_);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const std::vector<float>& query = queries[i];
    if (query.size() != dimension) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("the query has {} dimensions, and the vectors in '{}' have {}: they are of another model",
                              query.size(), file.table().files().front().path, dimension));
    }
    double squares = 0;
    for (const float value : query) squares += static_cast<double>(value) * value;
    if (!std::isfinite(squares) || squares == 0.0)
      return fail(ErrorCode::InvalidArgument, "the query's vector has no direction: it is all zeros, or not finite");
    for (std::size_t j = 0; j < dimension; ++j)
      made.values_[i * made.length_ + j] = static_cast<double>(query[j]) / std::sqrt(squares);
  }
  if (file.table().vectors().element == VectorElement::Bits) made.make_tables(dimension);
  return made;
}

// Four bits at a time: the sixteen sums that they can stand for are computed once, so that a row costs an addition for
// every four dimensions. Cost: 4 KB for each query of 128 dimensions.
void QueryVectors::make_tables(std::size_t dimension) {
  bytes_ = (dimension + 7) / 8;
  tables_.resize(count_ * bytes_ * 32);
  for (std::size_t query = 0; query < count_; ++query) {
    for (std::size_t nibble = 0; nibble < bytes_ * 2; ++nibble) {
      double* const sums = &tables_[(query * bytes_ * 2 + nibble) * 16];
      for (unsigned pattern = 0; pattern < 16; ++pattern) {
        for (std::size_t bit = 0; bit < 4; ++bit) {
          const std::size_t at = nibble * 4 + bit;
          const double value = at < dimension ? values_[query * length_ + at] : 0.0;
          sums[pattern] += (pattern >> (3 - bit) & 1) != 0 ? value : -value;
        }
      }
    }
  }
  bits_scale_ = 1.0 / std::sqrt(static_cast<double>(dimension));
}

double QueryVectors::signed_sum(std::size_t query, const std::byte* bits) const {
  const double* table = &tables_[query * bytes_ * 32];
  double high = 0, low = 0;
  for (std::size_t i = 0; i < bytes_; ++i, table += 32) {
    const auto byte = std::to_integer<unsigned>(bits[i]);
    high += table[byte >> 4];
    low += table[16 + (byte & 15)];
  }
  return high + low;
}

}  // namespace llama::internal
