// The kernels of every level that this CPU has, beside sums in double precision.
#include "kernels/kernels.h"

#include <ggml.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "format/weight_format.h"
#include "kernels/row_kernels.h"
#include "level_test.h"
#include "ops/matmul.h"
#include "plugin/self_check.h"

namespace ggml_packed {
namespace {

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

// A weight tensor and the values that its bytes mean.
struct Weights {
  Weights(ggml_type type, std::size_t outputs, std::size_t columns) : values(random_values(outputs * columns, 1)) {
    tensor.type = type;
    tensor.ne[0] = static_cast<std::int64_t>(columns);
    tensor.ne[1] = static_cast<std::int64_t>(outputs);
    tensor.ne[2] = tensor.ne[3] = 1;
    tensor.nb[0] = ggml_type_size(type);
    tensor.nb[1] = ggml_row_size(type, tensor.ne[0]);
    bytes.resize(tensor.nb[1] * outputs);
    tensor.data = bytes.data();
    if (type == GGML_TYPE_F32) {
      std::memcpy(bytes.data(), values.data(), bytes.size());
      return;
    }
    ggml_quantize_chunk(type, values.data(), bytes.data(), 0, tensor.ne[1], tensor.ne[0], nullptr);
    for (std::size_t n = 0; n < outputs; ++n) {
      ggml_get_type_traits(type)->to_float(bytes.data() + n * tensor.nb[1], values.data() + n * columns, tensor.ne[0]);
    }
  }
  ggml_tensor tensor{};
  std::vector<float> values;
  std::vector<std::byte> bytes;
};

struct Shape {
  std::size_t outputs, columns, rows;
};

double product(const Weights& w, const std::vector<float>& x, const Shape& s, std::size_t m, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < s.columns; ++k)
    sum += static_cast<double>(w.values[n * s.columns + k]) * x[m * s.columns + k];
  return sum;
}

std::vector<float> multiplied(const Kernels& kernels, const Weights& w, const std::vector<float>& x, const Shape& s,
                              const Epilogue& epilogue = {}) {
  ThreadTeam team(2);
  const PackedMatrix packed(w.tensor, layout_for(*format_for(w.tensor.type, kernels), kernels), team);
  const std::size_t stride = (s.columns + 1) / 2 * 2;
  std::vector<std::int8_t> int8(x.size());
  std::vector<BlockScale> scales(x.size() / kBlock + 1);
  std::vector<std::uint16_t> bf16(s.rows * stride);
  for (std::size_t m = 0; m < s.rows; ++m) {
    if (s.columns % kBlock == 0) {
      kernels.quantize(x.data() + m * s.columns, s.columns, int8.data() + m * s.columns,
                       scales.data() + m * s.columns / kBlock);
    }
    kernels.to_bf16(x.data() + m * s.columns, s.columns, bf16.data() + m * stride);
  }
  const Activations activations{.int8 = int8.data(),
                                .scales = scales.data(),
                                .bf16 = bf16.data(),
                                .f32 = x.data(),
                                .stride = packed.format() == Format::Bf16 ? stride : s.columns};
  std::vector<float> out(s.rows * s.outputs, NAN);
  for (std::size_t panel = 0; panel < packed.panels(); ++panel) {
    const std::byte* next = panel + 1 < packed.panels() ? packed.panel(panel + 1) : nullptr;
    kernels.multiply({.weights = packed, .index = panel, .next = next}, activations, 0, s.rows,
                     {.data = out.data(), .stride = s.outputs, .epilogue = epilogue});
  }
  return out;
}

class KernelsTest : public LevelTest {};

TEST_P(KernelsTest, MultiplyEveryTypeAndShape) {
  for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q5_1,
                               GGML_TYPE_IQ4_NL, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_F32}) {
    // int8 activations are off by 0.5 %, bf16 ones by 0.2 %; both average out over a sum.
    const double tolerance = ggml_is_quantized(type) ? 0.01 : type == GGML_TYPE_F32 ? 1e-6 : 0.005;
    for (const Shape s : {Shape{1, 32, 1}, Shape{32, 32, 8}, Shape{33, 64, 13}, Shape{70, 96, 25}, Shape{7, 160, 6},
                          Shape{128, 384, 29}, Shape{40, 96, 115}}) {
      const Weights w(type, s.outputs, s.columns);
      const auto x = random_values(s.rows * s.columns, 2);
      const auto out = multiplied(*kernels_, w, x, s);
      double error = 0, size = 0;
      for (std::size_t m = 0; m < s.rows; ++m) {
        for (std::size_t n = 0; n < s.outputs; ++n) {
          const double expected = product(w, x, s, m, n);
          error += std::pow(expected - out[m * s.outputs + n], 2);
          size += expected * expected;
        }
      }
      // One single output has nothing to average over.
      const double allowed = s.outputs == 1 ? tolerance * 5 : tolerance;
      EXPECT_LT(std::sqrt(error / size), allowed)
          << ggml_type_name(type) << " " << s.outputs << "x" << s.columns << "x" << s.rows;
    }
  }
}

TEST_P(KernelsTest, MultiplyTypesOfSuperblocks) {
  for (const ggml_type type :
       {GGML_TYPE_Q2_K, GGML_TYPE_Q3_K, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K, GGML_TYPE_IQ4_XS}) {
    const Shape s{70, 512, 25};
    const Weights w(type, s.outputs, s.columns);
    const auto x = random_values(s.rows * s.columns, 2);
    const auto out = multiplied(*kernels_, w, x, s);
    double error = 0, size = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double expected = product(w, x, s, i / s.outputs, i % s.outputs);
      error += std::pow(expected - out[i], 2);
      size += expected * expected;
    }
    EXPECT_LT(std::sqrt(error / size), 0.012) << ggml_type_name(type);
  }
}

TEST_P(KernelsTest, MultiplyOddNumbersOfColumns) {
  for (const ggml_type type : {GGML_TYPE_F16, GGML_TYPE_F32}) {
    const Shape s{40, 37, 9};
    const Weights w(type, s.outputs, s.columns);
    const auto x = random_values(s.rows * s.columns, 3);
    const auto out = multiplied(*kernels_, w, x, s);
    for (std::size_t i = 0; i < out.size(); ++i)
      EXPECT_NEAR(out[i], product(w, x, s, i / s.outputs, i % s.outputs), 0.15);
  }
}

TEST_P(KernelsTest, FinishAProductWithBiasActivationGateAndSum) {
  const Shape s{45, 64, 14};
  const Weights w(GGML_TYPE_F32, s.outputs, s.columns);
  const auto x = random_values(s.rows * s.columns, 4), bias = random_values(s.outputs, 5);
  const auto gate = random_values(s.rows * s.outputs, 6), sum = random_values(s.rows * s.outputs, 7);
  const auto silu = [](double v) { return v / (1 + std::exp(-v)); };
  const auto out = multiplied(*kernels_, w, x, s,
                              {.bias = bias.data(),
                               .activation = Activation::GeluErf,
                               .factor = gate.data(),
                               .factor_stride = s.outputs,
                               .factor_activation = Activation::Silu,
                               .addend = sum.data(),
                               .addend_stride = s.outputs});
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double v = product(w, x, s, i / s.outputs, i % s.outputs) + bias[i % s.outputs];
    const double expected = v / 2 * (1 + std::erf(v / std::numbers::sqrt2)) * silu(gate[i]) + sum[i];
    EXPECT_NEAR(out[i], expected, 2e-4 * (1 + std::abs(expected)));
  }
}

// Many rows look up their scales, few multiply them; and a panel of many columns has no table.
TEST_P(KernelsTest, ARowHasTheSameBitsAmongManyAndFew) {
  for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_K}) {
    for (const std::size_t columns : {256U, 4096U, 4352U}) {
      const Weights w(type, 40, columns);
      const auto x = random_values(100 * columns, 12);
      auto many = multiplied(*kernels_, w, x, {40, columns, 100});
      many.resize(40 * 7UL);
      EXPECT_EQ(many, multiplied(*kernels_, w, x, {40, columns, 7})) << ggml_type_name(type) << " " << columns;
    }
  }
}

TEST_P(KernelsTest, NormsAgreeWithTheirDefinition) {
  const RowKernels& rows = row_kernels(*kernels_);
  for (const std::size_t count : {1U, 7U, 16U, 33U, 384U}) {
    auto x = random_values(count, 8);
    for (float& v : x) v += 3;
    const auto weights = random_values(count, 9), bias = random_values(count, 10);
    double mean = 0, squares = 0, variance = 0;
    for (const float v : x)
      mean += v / static_cast<double>(count), squares += static_cast<double>(v) * v / static_cast<double>(count);
    for (const float v : x) variance += (v - mean) * (v - mean) / static_cast<double>(count);
    std::vector<float> rms(count), layer(count);
    rows.rms_norm(x.data(), count, 1e-5F, weights.data(), rms.data());
    rows.layer_norm(x.data(), count, 1e-5F, weights.data(), bias.data(), layer.data());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(rms[i], x[i] / std::sqrt(squares + 1e-5) * weights[i], 1e-4);
      EXPECT_NEAR(layer[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * weights[i] + bias[i], 1e-3) << count;
    }
  }
}

TEST_P(KernelsTest, PassTheirSelfCheck) { EXPECT_TRUE(passes_self_check(*kernels_)); }

// Sums of bytes are exact, and become float32 in the same order, however many at once a level adds.
TEST(Kernels, OfNeonAgreeBitForBitOnEightAndFourBits) {
  const Kernels* plain = kernels("neon");
  if (plain == nullptr) GTEST_SKIP() << "no CPU of arm64";
  for (const char* name : {"neon-dotprod", "neon-i8mm", "neon-bf16"}) {
    const Kernels* level = kernels(name);
    if (level == nullptr) continue;
    for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q6_K, GGML_TYPE_Q4_0, GGML_TYPE_Q4_K}) {
      const Shape s{35, 256, 27};
      const Weights w(type, s.outputs, s.columns);
      const auto x = random_values(s.rows * s.columns, 11);
      EXPECT_EQ(multiplied(*level, w, x, s), multiplied(*plain, w, x, s)) << name << " " << ggml_type_name(type);
    }
  }
}

TEST(SelfCheck, FindsAKernelThatReturnsNaN) {
  static Kernels broken = *kernels();
  broken.multiply = [](const Panel&, const Activations&, std::size_t begin, std::size_t end, const Output& output) {
    for (std::size_t i = begin * output.stride; i < end * output.stride; ++i) output.data[i] = NAN;
  };
  EXPECT_FALSE(passes_self_check(broken));
}

// -128 is in no file that ggml has quantized, but in those of others; and nothing may overflow on the way.
TEST_P(KernelsTest, MultiplyTheLargestBytesExactly) {
  constexpr Shape kShape{33, 96, 7};
  Weights w(GGML_TYPE_Q8_0, kShape.outputs, kShape.columns);
  std::mt19937 random(4);
  const auto one_of = [&](auto... values) { return std::array{values...}[random() % sizeof...(values)]; };
  const ggml_fp16_t scale = ggml_fp32_to_fp16(0.5F);
  for (std::size_t n = 0; n < kShape.outputs; ++n) {
    for (std::size_t block = 0; block < kShape.columns / kBlock; ++block) {
      std::byte* at = w.bytes.data() + n * w.tensor.nb[1] + block * w.tensor.nb[0];
      std::memcpy(at, &scale, sizeof scale);
      for (std::size_t k = 0; k < kBlock; ++k) {
        // Rows of one sign only are the largest sums.
        const int value = n % 3 == 0 ? -128 : n % 3 == 1 ? 127 : one_of(-128, -127, -1, 0, 1, 127);
        at[sizeof scale + k] = static_cast<std::byte>(value);
        w.values[n * kShape.columns + block * kBlock + k] = 0.5F * static_cast<float>(value);
      }
    }
  }
  std::vector<float> x(kShape.rows * kShape.columns);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t row = i / kShape.columns;
    x[i] = row % 3 == 0 ? 127 : row % 3 == 1 ? -127 : one_of(-127.0F, -126.0F, 0.0F, 5.0F, 127.0F);
    if (i % kBlock == 0) x[i] = std::copysign(127.0F, x[i]);  // so that the activations' scale is 1
  }
  const auto out = multiplied(*kernels_, w, x, kShape);
  for (std::size_t m = 0; m < kShape.rows; ++m) {
    for (std::size_t n = 0; n < kShape.outputs; ++n) {
      const double exact = product(w, x, kShape, m, n);
      EXPECT_NEAR(out[m * kShape.outputs + n], exact, std::abs(exact) * 1e-6) << m << " " << n;
    }
  }
}

TEST(Kernels, HaveNoLevelOfAnotherName) { EXPECT_EQ(kernels("avx9000"), nullptr); }

INSTANTIATE_TEST_SUITE_P(Levels, KernelsTest, kLevels, level_name);

}  // namespace
}  // namespace ggml_packed
