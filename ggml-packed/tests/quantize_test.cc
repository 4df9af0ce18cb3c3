// Activations of 8 bits: how they are rounded, and what goes with a block of them.
#include <ggml.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "format/block.h"
#include "kernels/kernels.h"
#include "level_test.h"

namespace ggml_packed {
namespace {

struct Quantized {
  Quantized(const Kernels& kernels, const std::vector<float>& values)
      : quants(values.size(), 99), scales(values.size() / kBlock) {
    kernels.quantize(values.data(), values.size(), quants.data(), scales.data());
  }
  [[nodiscard]] double at(std::size_t i) const { return static_cast<double>(scales[i / kBlock].scale) * quants[i]; }

  std::vector<std::int8_t> quants;
  std::vector<BlockScale> scales;
};

// Of ggml's rounding, with a scale that is not rounded itself.
double squared_error_of_ggml(const std::vector<float>& x) {
  double sum = 0;
  for (std::size_t block = 0; block < x.size(); block += kBlock) {
    double largest = 0;
    for (std::size_t i = block; i < block + kBlock; ++i)
      largest = std::max(largest, std::abs(static_cast<double>(x[i])));
    const double scale = largest / 127;
    for (std::size_t i = block; i < block + kBlock; ++i) sum += std::pow(std::round(x[i] / scale) * scale - x[i], 2);
  }
  return sum;
}

std::vector<float> normal_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

class QuantizeTest : public LevelTest {};

TEST_P(QuantizeTest, EachIsTheNearestMultipleOfItsScale) {
  for (const std::size_t blocks : {1U, 2U, 7U, 12U, 16U, 33U}) {
    auto x = normal_values(blocks * kBlock, 5);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::ldexp(x[i], static_cast<int>(i / kBlock) - 20);
    const Quantized q(*kernels_, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(q.at(i), x[i], q.scales[i / kBlock].scale * 0.5001) << blocks << " " << i;
    }
    for (std::size_t block = 0; block < blocks; ++block) {
      const BlockScale& s = q.scales[block];
      int total = 0, most = 0;
      for (std::size_t i = block * kBlock; i < (block + 1) * kBlock; ++i) {
        total += q.quants[i];
        most = std::max(most, std::abs(q.quants[i]));
      }
      EXPECT_GE(most, 105) << "bits are left unused";
      EXPECT_EQ(s.sum, s.scale * static_cast<float>(total));
      EXPECT_EQ(s.start, std::bit_cast<std::int32_t>(s.zero) - 128 * total);
      EXPECT_EQ(s.zero, std::ldexp(kExactValue, std::ilogb(s.scale)));
    }
  }
}

TEST_P(QuantizeTest, TogetherTheyAreAsNearAsGgmls) {
  for (const bool has_heavy_tails : {false, true}) {
    auto x = normal_values(20'000 * kBlock, 6);
    if (has_heavy_tails) {
      const auto factors = normal_values(x.size(), 8);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] *= factors[i];
    }
    const Quantized q(*kernels_, x);
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) error += std::pow(q.at(i) - x[i], 2);
    EXPECT_LT(error, squared_error_of_ggml(x) * 1.01) << has_heavy_tails;
  }
}

TEST_P(QuantizeTest, WithVnniScalesHaveFewMantissas) {
  if (kernels_->int8_sign != Int8Sign::PlusTo128) GTEST_SKIP() << "here they are as they come";
  for (const BlockScale& s : Quantized(*kernels_, normal_values(1000 * kBlock, 7)).scales) {
    EXPECT_EQ(s.scale, std::ldexp(1 + static_cast<float>(s.step()) / kScaleSteps, std::ilogb(s.scale)));
  }
}

TEST_P(QuantizeTest, ZerosAndExtremes) {
  std::vector<float> x(4 * kBlock, 0.0F);
  std::fill_n(x.begin() + kBlock, kBlock, 1e32F);
  std::fill_n(x.begin() + 2 * kBlock, kBlock, -1e32F);
  std::fill_n(x.begin() + 3 * kBlock, kBlock, 1e-40F);
  const Quantized q(*kernels_, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(q.at(i), x[i], std::abs(x[i]) / 250 + kMinScale) << i;
    EXPECT_TRUE(std::isnormal(q.scales[i / kBlock].zero)) << i;
  }
  EXPECT_EQ(q.quants[0], 0);
  EXPECT_EQ(q.scales[0].sum, 0);
}

// A product with them is NaN, and not some number.
TEST_P(QuantizeTest, WhatIsNoNumberStaysNone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  for (const float none : {kInfinity, -kInfinity, kNan, -kNan, 3e38F}) {
    for (const std::size_t place : {0U, 17U, 31U}) {
      std::vector<float> x(3 * kBlock, 1.0F);
      x[kBlock + place] = none;
      const Quantized q(*kernels_, x);
      EXPECT_TRUE(std::isnan(q.scales[1].scale)) << none;
      EXPECT_TRUE(std::isnan(q.scales[1].zero)) << none;
      EXPECT_TRUE(std::isnan(q.scales[1].sum)) << none;
      EXPECT_NEAR(q.at(0), 1, 0.005);
      EXPECT_NEAR(q.at(2 * kBlock), 1, 0.005);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, QuantizeTest, kLevels, level_name);

// The kernels' sums need no conversion to float32: bit for bit the same.
TEST(BlockScale, ASumThatStartsAtKExactIsMultipliedAsIfItHadBeenConverted) {
  std::mt19937 random(3);
  for (int i = 0; i < 200'000; ++i) {
    const auto half = static_cast<ggml_fp16_t>(random() & 0xFFFFU);
    if ((half & 0x7C00U) == 0x7C00U) continue;  // infinities and NaN
    const float scale = ggml_fp16_to_fp32(half);
    constexpr int kLargest = 32 * 255 * 128;
    const int sum = static_cast<int>(random() % (2 * kLargest + 1)) - kLargest;
    const auto started = std::bit_cast<float>(kExact + sum);
    EXPECT_EQ(std::fma(started, scale, scale * -kExactValue), static_cast<float>(sum) * scale) << scale << " " << sum;
  }
}

}  // namespace
}  // namespace ggml_packed
