// The same of vectors that are made ready already.
#pragma once

#include "llama-vectors/neighbour_agreement.h"
#include "values/row_vectors.h"

namespace llama::internal {

// Requires a.count() == b.count().
[[nodiscard]] Result<NeighbourAgreement> agreement_of(const UnitVectors& a, const UnitVectors& b, std::size_t k,
                                                      std::size_t workers, const std::stop_token& stop);

// Spearman's correlation: of the ranks, equal values sharing the mean of theirs. 0 where one of them does not vary.
// Requires a.size() == b.size().
[[nodiscard]] double rank_correlation(std::span<const double> a, std::span<const double> b);

}  // namespace llama::internal
