// Activations of every level that this CPU has, beside the functions in double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "kernels/row_kernels.h"
#include "level_test.h"

namespace ggml_packed {
namespace {

class ActivationsTest : public LevelTest {};

TEST_P(ActivationsTest, AreAccurateInTheMiddle) {
  const RowKernels& rows = row_kernels(*kernels_);
  std::vector<float> x;
  for (float v = -12; v <= 12; v += 0.003F) x.push_back(v);
  const auto expected = [](Activation a, double v) {
    if (a == Activation::Silu) return v / (1 + std::exp(-v));
    if (a == Activation::GeluErf) return v / 2 * std::erfc(-v / std::sqrt(2.0));
    return v / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
  };
  std::vector<float> out(x.size());
  for (const Activation a : {Activation::Silu, Activation::Gelu, Activation::GeluErf}) {
    rows.activate(a, x.data(), x.size(), out.data());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(out[i], expected(a, x[i]), 2e-6 * (1 + std::abs(x[i])));
  }
}

TEST_P(ActivationsTest, StayFiniteFarOut) {
  const RowKernels& rows = row_kernels(*kernels_);
  const std::vector<float> gate = {-1e30F, -1e4F, -200, -88, -20, -1, 0, 1, 20, 200, 1e4F};
  const std::vector<float> up(gate.size(), 1.0F);
  std::vector<float> out(gate.size());
  for (const Activation a : {Activation::Silu, Activation::Gelu, Activation::GeluErf, Activation::Relu}) {
    rows.gated(a, gate.data(), up.data(), gate.size(), out.data());
    for (std::size_t i = 0; i < out.size(); ++i) {
      EXPECT_TRUE(std::isfinite(out[i])) << gate[i];
      if (std::abs(gate[i]) >= 20) {
        EXPECT_NEAR(out[i] / gate[i], gate[i] > 0 ? 1 : 0, 1e-6);
      }
    }
  }
}

TEST_P(ActivationsTest, TanhIsAccurateNearZeroAndFarOut) {
  const RowKernels& rows = row_kernels(*kernels_);
  std::vector<float> x = {0, 1e-30F, 1e-8F, 0.59999996F, 0.6F, 0.60000005F, 9, 50, 1e4F, 3e38F, INFINITY};
  for (float v = 1e-6F; v < 20; v *= 1.0007F) x.push_back(v);
  for (std::size_t i = x.size(); i-- > 0;) x.push_back(-x[i]);
  std::vector<float> out(x.size());
  rows.activate(Activation::Tanh, x.data(), x.size(), out.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = std::tanh(static_cast<double>(x[i]));
    EXPECT_NEAR(out[i], expected, 1e-6 * std::abs(expected)) << x[i];
    EXPECT_LE(std::abs(out[i]), 1) << x[i];
  }
  x[0] = NAN;
  rows.activate(Activation::Tanh, x.data(), x.size(), out.data());
  EXPECT_TRUE(std::isnan(out[0]));
}

INSTANTIATE_TEST_SUITE_P(Levels, ActivationsTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
