#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "llama-vectors/near_duplicates.h"

namespace llama {
namespace {

constexpr int kMaxBits = 64;
constexpr int kMaxTables = 4'096;
// What a row costs in each table besides its products, in products: it is widened, and its number sorted.
constexpr double kRowCost = 3;

double same_side(double cosine) { return 1 - std::acos(std::clamp(cosine, -1.0, 1.0)) / std::numbers::pi; }

}  // namespace

double HashPlan::recall(double cosine) const {
  if (bits == 0) return 1;
  return 1 - std::pow(1 - std::pow(same_side(cosine), bits), tables);
}

// For each number of bits the tables follow from the recall. Few bits make many pairs to compare, many bits many tables
// to fill: the cheapest is taken. Pairs above the threshold are joined once and then skipped, so they are not counted.
HashPlan choose_hash_plan(std::uint64_t rows, double threshold, double recall, std::span<const double> cosines) {
  const double n = static_cast<double>(rows), p = same_side(threshold);
  HashPlan best;
  double least = n * n / 2;
  for (int bits = 1; bits <= kMaxBits; ++bits) {
    const double found = std::pow(p, bits);
    const double wanted = found >= 1 ? 1 : std::ceil(std::log1p(-recall) / std::log1p(-found));
    if (wanted > kMaxTables) break;
    double shared = 0;
    for (const double cosine : cosines)
      if (cosine < threshold) shared += std::pow(same_side(cosine), bits);
    // A sample has no pair that is rarer than one in its size.
    if (!cosines.empty()) shared /= static_cast<double>(cosines.size());
    const double cost = wanted * (n * (bits + kRowCost) + n * n / 2 * shared);
    if (cost >= least) continue;
    least = cost;
    best = {.bits = bits, .tables = static_cast<int>(wanted)};
  }
  return best;
}

}  // namespace llama
