#include "inspect/vector_sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "inspect/distribution_count.h"
#include "values/piece_team.h"
#include "values/similarity_kernels.h"

namespace llama::internal {

// Floyd's choice without repetition: for each of the last `count` numbers one below it, or itself where that one is
// chosen already. Source: Bentley and Floyd, "Programming pearls: a sample of brilliance", 1987. Cost: count sets.
std::vector<std::uint64_t> choose_sample(std::uint64_t rows, std::size_t count, std::uint64_t seed) {
  const std::uint64_t chosen = std::min<std::uint64_t>(rows, count);
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> sample;
  for (std::uint64_t last = rows - chosen; last < rows; ++last)
    if (!sample.insert(random() % (last + 1)).second) sample.insert(last);
  return {sample.begin(), sample.end()};
}

VectorSample::VectorSample(std::uint64_t rows, std::size_t count, std::uint64_t seed, std::size_t length)
    : rows_(choose_sample(rows, count, seed)), length_(length), has_(rows_.size()), values_(rows_.size() * length) {}

void VectorSample::offer(std::uint64_t row, const double* values, double norm) {
  const auto at = std::ranges::lower_bound(rows_, row);
  if (at == rows_.end() || *at != row || norm == 0.0) return;
  const auto place = static_cast<std::size_t>(at - rows_.begin());
  std::transform(values, values + length_, values_.begin() + static_cast<std::ptrdiff_t>(place * length_),
                 [norm](double value) { return value / norm; });
  has_[place] = 1;
}

namespace {

// Of equal vectors exactly 1, which sums of squares miss by their last bits.
double rounded(double cosine) { return std::round(cosine * 0x1p40) * 0x1p-40; }

}  // namespace

// Row by row, each with all: twice the work of half of the pairs, and no thread waits for another. What each row adds
// is summed in the rows' order, so that the mean does not depend on who came first. Cost: sample² products.
Result<VectorSample::Similarities> VectorSample::compare(std::size_t workers, const std::stop_token& stop) {
  std::size_t kept = 0;  // those with a vector come first
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (has_[i] == 0) continue;
    if (kept != i)
      std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(i * length_), length_,
                  values_.begin() + static_cast<std::ptrdiff_t>(kept * length_));
    ++kept;
  }
  Similarities found{.sampled = kept};
  if (kept < 2) return found;
  const SimilarityKernels& kernels = similarity_kernels();
  std::vector<std::vector<double>> scores(workers, std::vector<double>(kept));
  std::vector<Histogram> histograms(workers);
  std::vector<double> nearest(kept), sums(kept), least(kept), greatest(kept);
  auto compared = share_work(kept, workers, stop, [&](std::size_t worker, std::size_t i) {
    std::vector<double>& row = scores[worker];
    kernels.products(&values_[i * length_], values_.data(), kept, length_, row.data());
    least[i] = std::numeric_limits<double>::infinity();
    greatest[i] = nearest[i] = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < kept; ++j) {
      if (j == i) continue;
      row[j] = rounded(row[j]);
      nearest[i] = std::max(nearest[i], row[j]);
      if (j < i) continue;
      sums[i] += row[j];
      least[i] = std::min(least[i], row[j]);
      greatest[i] = std::max(greatest[i], row[j]);
      histograms[worker].add(row[j]);
    }
  });
  if (!compared) return std::unexpected(compared.error());
  DistributionCount pairs, neighbours;
  for (std::size_t i = 0; i + 1 < kept; ++i) pairs.add_many(kept - 1 - i, sums[i], least[i], greatest[i]);
  for (const double one : nearest) neighbours.add(one);
  found.pairs = pairs.distribution();
  for (const Histogram& histogram : histograms) found.pairs->histogram.merge(histogram);
  found.neighbours = neighbours.distribution();
  return found;
}

}  // namespace llama::internal
