#include "llama-vectors/histogram.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace llama {
namespace {

// A bin is no finer than a thousand-millionth of its number: then its place is a whole number of 31 bits.
constexpr int kBits = 30;

}  // namespace

// Every place is halved until bins are 2^exponent wide. Cost: a look at the bins.
void Histogram::coarsen(int exponent) {
  if (exponent <= exponent_) return;
  if (!counts_.empty()) {
    const int shift = std::min(exponent - exponent_, 62);
    const std::int64_t last = (first_ + static_cast<std::int64_t>(counts_.size()) - 1) >> shift;
    const std::int64_t first = first_ >> shift;
    std::vector<std::uint64_t> fewer(static_cast<std::size_t>(last - first + 1));
    for (std::size_t i = 0; i < counts_.size(); ++i)
      fewer[static_cast<std::size_t>(((first_ + static_cast<std::int64_t>(i)) >> shift) - first)] += counts_[i];
    counts_ = std::move(fewer);
    first_ = first;
  }
  exponent_ = exponent;
}

void Histogram::add(double number, std::uint64_t count) {
  if (count == 0) return;
  if (number != 0.0) coarsen(std::ilogb(number) - kBits);
  add_place(static_cast<std::int64_t>(std::floor(std::ldexp(number, -exponent_))), exponent_, count);
}

// place: in bins that are 2^exponent wide, no wider than ours.
void Histogram::add_place(std::int64_t place, int exponent, std::uint64_t count) {
  const auto here = [&] { return place >> std::min(exponent_ - exponent, 62); };
  if (counts_.empty()) {
    first_ = here();
    counts_.push_back(count);
    return;
  }
  const auto last = [&] { return first_ + static_cast<std::int64_t>(counts_.size()) - 1; };
  while (std::max(last(), here()) - std::min(first_, here()) >= kMaxBins) coarsen(exponent_ + 1);
  if (here() < first_) {
    counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - here()), 0);
    first_ = here();
  }
  if (here() > last()) counts_.resize(static_cast<std::size_t>(here() - first_ + 1));
  counts_[static_cast<std::size_t>(here() - first_)] += count;
}

void Histogram::merge(const Histogram& other) {
  if (other.counts_.empty()) return;
  coarsen(other.exponent_);
  for (std::size_t i = 0; i < other.counts_.size(); ++i)
    if (other.counts_[i] > 0) add_place(other.first_ + static_cast<std::int64_t>(i), other.exponent_, other.counts_[i]);
}

std::vector<Histogram::Bin> Histogram::bins() const {
  std::vector<Bin> all;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto at = static_cast<double>(first_ + static_cast<std::int64_t>(i));
    all.push_back({std::ldexp(at, exponent_), std::ldexp(at + 1, exponent_), counts_[i]});
  }
  return all;
}

}  // namespace llama
