#include "llama-vectors/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace llama {
namespace {

bool operator==(const Histogram::Bin& a, const Histogram::Bin& b) {
  return a.low == b.low && a.high == b.high && a.count == b.count;
}

bool are_equal(const Histogram& a, const Histogram& b) {
  const auto x = a.bins(), y = b.bins();
  return std::ranges::equal(x, y, [](const auto& p, const auto& q) { return p == q; });
}

Histogram histogram_of(const std::vector<double>& numbers) {
  Histogram histogram;
  for (const double number : numbers) histogram.add(number);
  return histogram;
}

TEST(Histogram, CountsWhatLiesInEachBin) {
  std::mt19937 random(7);
  for (const double scale : {1e-9, 1.0, 12345.0, 1e12}) {
    std::normal_distribution<double> normal(scale / 3, scale);
    std::vector<double> numbers(1000);
    for (double& number : numbers) number = normal(random);
    const auto bins = histogram_of(numbers).bins();
    ASSERT_LE(bins.size(), static_cast<std::size_t>(Histogram::kMaxBins));
    EXPECT_GT(bins.size(), static_cast<std::size_t>(Histogram::kMaxBins / 2));
    std::uint64_t all = 0;
    for (const auto& bin : bins) {
      EXPECT_EQ(bin.count, std::ranges::count_if(numbers, [&](double x) { return bin.low <= x && x < bin.high; }));
      all += bin.count;
    }
    EXPECT_EQ(all, numbers.size());
    EXPECT_GT(bins.front().count, 0U);
    EXPECT_GT(bins.back().count, 0U);
  }
}

TEST(Histogram, DoesNotDependOnTheOrderNorOnWhoCounts) {
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    std::uniform_real_distribution<double> exponent(-30, 30);
    std::vector<double> numbers(1 + round % 40);
    for (double& number : numbers) number = (random() % 2 == 0 ? 1 : -1) * std::exp2(exponent(random));
    if (round % 3 == 0) numbers.push_back(0);
    const Histogram one = histogram_of(numbers);
    std::ranges::shuffle(numbers, random);
    EXPECT_TRUE(are_equal(one, histogram_of(numbers)));
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(random() % numbers.size());
    Histogram left = histogram_of({numbers.begin(), middle});
    left.merge(histogram_of({middle, numbers.end()}));
    EXPECT_TRUE(are_equal(one, left)) << round;
  }
}

TEST(Histogram, HoldsTheSmallestAndTheGreatestNumbers) {
  const double smallest = std::numeric_limits<double>::denorm_min(), greatest = std::numeric_limits<double>::max();
  for (const auto& numbers : std::vector<std::vector<double>>{
           {0}, {smallest}, {greatest}, {0, smallest}, {0, greatest}, {-greatest, greatest}, {-smallest, smallest}}) {
    const auto bins = histogram_of(numbers).bins();
    std::uint64_t all = 0;
    for (const auto& bin : bins) all += bin.count;
    EXPECT_EQ(all, numbers.size());
    EXPECT_LE(bins.front().low, std::ranges::min(numbers));
    EXPECT_GT(bins.back().high, std::ranges::max(numbers) / 2);
  }
  EXPECT_TRUE(Histogram().bins().empty());
}

}  // namespace
}  // namespace llama
