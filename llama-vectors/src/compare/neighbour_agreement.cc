#include "compare/neighbour_agreement.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <iterator>
#include <numeric>

#include "search/best_rows.h"
#include "values/piece_team.h"
#include "values/similarity_kernels.h"

namespace llama {
namespace internal {
namespace {

// Twice the rank of each value, from 0, so that the mean of equal ones is whole. Cost: a sort.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::uint32_t> order(values.size());
  std::ranges::iota(order, 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - 1);
    begin = end;
  }
  return ranks;
}

// Each text's cosine to all others, and its k nearest, by position.
struct Neighbourhood {
  std::vector<double> cosines;                      // of pairs (i, j), i < j, in that order
  std::vector<std::vector<std::uint64_t>> nearest;  // of each text, rising
};

// Of equal vectors exactly the same number, which sums of squares miss by their last bits.
double rounded_cosine(double cosine) { return std::round(cosine * 0x1p40) * 0x1p-40; }

Result<Neighbourhood> neighbourhood_of(const UnitVectors& vectors, std::span<const std::size_t> texts, std::size_t k,
                                       std::size_t workers, const std::stop_token& stop) {
  const std::size_t n = texts.size(), length = vectors.length();
  std::vector<double> all(n * length);
  for (std::size_t i = 0; i < n; ++i) std::copy_n(vectors.vector(texts[i]), length, &all[i * length]);
  Neighbourhood made{.cosines = std::vector<double>(n * (n - 1) / 2),
                     .nearest = std::vector<std::vector<std::uint64_t>>(n)};
  std::vector<std::vector<double>> rows(workers, std::vector<double>(n));
  auto shared = share_work(n, workers, stop, [&](std::size_t worker, std::size_t i) {
    std::vector<double>& row = rows[worker];
    similarity_kernels().products(&all[i * length], all.data(), n, length, row.data());
    BestRows best(k);
    std::size_t pair = i * n - i * (i + 1) / 2;  // of (i, i + 1)
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      row[j] = rounded_cosine(row[j]);
      best.add(j, row[j]);
      if (j > i) made.cosines[pair++] = row[j];
    }
    for (const SearchHit& hit : best.take()) made.nearest[i].push_back(hit.row);
    std::ranges::sort(made.nearest[i]);
  });
  if (!shared) return std::unexpected(shared.error());
  return made;
}

}  // namespace

double rank_correlation(std::span<const double> a, std::span<const double> b) {
  if (a.size() < 2) return 0;
  const std::vector<double> x = ranks_of(a), y = ranks_of(b);
  const auto mean = static_cast<double>(a.size() - 1);  // of ranks twice their size
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx == 0 || yy == 0 ? 0 : xy / std::sqrt(xx * yy);
}

Result<NeighbourAgreement> agreement_of(const UnitVectors& a, const UnitVectors& b, std::size_t k, std::size_t workers,
                                        const std::stop_token& stop) {
  NeighbourAgreement found;
  for (std::size_t i = 0; i < a.count(); ++i)
    if (a.has(i) && b.has(i)) found.positions.push_back(i);
  found.compared = found.positions.size();
  if (found.compared < 2) return found;
  found.k = std::min(k, found.compared - 1);
  const auto first = neighbourhood_of(a, found.positions, found.k, workers, stop);
  if (!first) return std::unexpected(first.error());
  const auto second = neighbourhood_of(b, found.positions, found.k, workers, stop);
  if (!second) return std::unexpected(second.error());
  for (std::size_t i = 0; i < found.compared; ++i) {
    std::vector<std::uint64_t> common;
    std::ranges::set_intersection(first->nearest[i], second->nearest[i], std::back_inserter(common));
    found.overlaps.push_back(static_cast<double>(common.size()) /
                             static_cast<double>(std::max<std::size_t>(found.k, 1)));
  }
  found.recall =
      std::accumulate(found.overlaps.begin(), found.overlaps.end(), 0.0) / static_cast<double>(found.compared);
  found.rank_correlation = rank_correlation(first->cosines, second->cosines);
  return found;
}

namespace {

Result<UnitVectors> unit_vectors_of(std::span<const std::vector<float>> vectors) {
  std::size_t dimension = 1;
  for (const std::vector<float>& vector : vectors) {
    if (vector.empty()) continue;
    if (dimension > 1 && vector.size() != dimension)
      return fail(ErrorCode::InvalidArgument,
                  std::format("vectors of {} and of {} dimensions are not of one model", dimension, vector.size()));
    dimension = vector.size();
  }
  UnitVectors made(vectors.size(), dimension);
  for (std::size_t i = 0; i < vectors.size(); ++i)
    if (!vectors[i].empty()) made.set(i, vectors[i]);
  return made;
}

}  // namespace
}  // namespace internal

Result<NeighbourAgreement> compare_neighbours(std::span<const std::vector<float>> a,
                                              std::span<const std::vector<float>> b, std::size_t k, int threads,
                                              const std::stop_token& stop) {
  if (a.size() != b.size())
    return fail(ErrorCode::InvalidArgument, std::format("{} vectors cannot be compared with {}", a.size(), b.size()));
  const auto first = internal::unit_vectors_of(a), second = internal::unit_vectors_of(b);
  if (!first) return std::unexpected(first.error());
  if (!second) return std::unexpected(second.error());
  return internal::agreement_of(*first, *second, k, internal::team_size(threads, a.size()), stop);
}

}  // namespace llama
