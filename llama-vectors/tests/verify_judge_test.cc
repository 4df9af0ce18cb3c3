#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "verify/vector_judge.h"

namespace llama::internal {
namespace {

constexpr std::int32_t kDimension = 384;

std::vector<float> random_vector(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(kDimension);
  for (float& value : values) value = normal(random);
  return values;
}

// As other kernels give it: each value off by about this share of what values are.
std::vector<float> shaken(std::vector<float> values, float by, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (float& value : values) value += by * normal(random);
  return values;
}

std::vector<std::byte> stored_as(VectorElement element, const std::vector<float>& values, const Int8Scales& scales) {
  std::vector<std::byte> bytes;
  switch (element) {
    case VectorElement::Float32:
      append_float32(values, bytes);
      break;
    case VectorElement::Float16:
      append_float16(values, bytes);
      break;
    case VectorElement::Int8:
      append_int8(values, scales, bytes);
      break;
    case VectorElement::Bits:
      append_bits(values, bytes);
      break;
  }
  return bytes;
}

constexpr VectorElement kElements[] = {VectorElement::Float32, VectorElement::Float16, VectorElement::Int8,
                                       VectorElement::Bits};

Int8Scales test_scales() {
  return {.starts = std::vector<float>(kDimension, -4.0F), .steps = std::vector<float>(kDimension, 8.0F / 255)};
}

TEST(VectorJudge, TakesWhatTheModelGivesAndWhatOtherKernelsGive) {
  for (const VectorElement element : kElements) {
    VectorJudge judge(element, kDimension, test_scales(), 0.9999);
    for (unsigned seed = 0; seed < 200; ++seed) {
      const std::vector<float> values = random_vector(seed);
      EXPECT_TRUE(judge.judge(stored_as(element, values, test_scales()).data(), values).is_same);
      for (const float by : {1e-7F, 1e-5F, 1e-3F, 1e-2F}) {
        const Judgement judged =
            judge.judge(stored_as(element, shaken(values, by, seed + 1000), test_scales()).data(), values);
        EXPECT_FALSE(judged.wrong) << static_cast<int>(element) << ", " << by << ": " << judged.what;
      }
    }
  }
}

TEST(VectorJudge, FindsAValueThatIsOffByMoreThanTheOthers) {
  for (const VectorElement element : {VectorElement::Float32, VectorElement::Float16}) {
    VectorJudge judge(element, kDimension, std::nullopt, 0.9999);
    const float noise = element == VectorElement::Float32 ? 1e-6F : 1e-3F;
    for (unsigned seed = 0; seed < 50; ++seed) {
      const std::vector<float> values = random_vector(seed);
      std::vector<float> other = shaken(values, noise, seed + 1000);
      other[seed] += 100 * noise;
      const Judgement judged = judge.judge(stored_as(element, other, test_scales()).data(), values);
      EXPECT_EQ(judged.wrong, WrongKind::OneValue) << judged.what;
      EXPECT_GT(judged.cosine, 0.9999);
    }
  }
}

TEST(VectorJudge, FindsOtherDirectionsLengthsCodesAndBits) {
  const std::vector<float> values = random_vector(1);
  std::vector<float> longer = values, far = shaken(values, 0.05F, 2);
  for (float& value : longer) value *= 1.05F;
  VectorJudge floats(VectorElement::Float32, kDimension, std::nullopt, 0.9999);
  EXPECT_EQ(floats.judge(stored_as(VectorElement::Float32, longer, {}).data(), values).wrong, WrongKind::Vector);
  EXPECT_EQ(floats.judge(stored_as(VectorElement::Float32, far, {}).data(), values).wrong, WrongKind::Vector);
  VectorJudge any_length(VectorElement::Float32, kDimension, std::nullopt, 0.9999, false);
  EXPECT_FALSE(any_length.judge(stored_as(VectorElement::Float32, longer, {}).data(), values).wrong);
  for (const VectorElement element : {VectorElement::Int8, VectorElement::Bits}) {
    VectorJudge judge(element, kDimension, test_scales(), 0.9999);
    std::vector<std::byte> bytes = stored_as(element, values, test_scales());
    bytes[7] ^= std::byte{0x10};
    const Judgement judged = judge.judge(bytes.data(), values);
    EXPECT_EQ(judged.wrong, std::abs(values[7 * 8 + 3]) > 0.1F || element == VectorElement::Int8
                                ? std::optional(WrongKind::OneValue)
                                : std::nullopt)
        << judged.what;
  }
}

TEST(VectorJudge, TellsNaNAndZeros) {
  VectorJudge judge(VectorElement::Float32, kDimension, std::nullopt, 0.9999);
  std::vector<float> values = random_vector(3), broken = values;
  broken[5] = NAN;
  EXPECT_EQ(judge.judge(stored_as(VectorElement::Float32, broken, {}).data(), values).wrong, WrongKind::NonFinite);
  const std::vector<float> zeros(kDimension);
  EXPECT_EQ(judge.judge(stored_as(VectorElement::Float32, zeros, {}).data(), values).wrong, WrongKind::Vector);
  EXPECT_TRUE(judge.judge(stored_as(VectorElement::Float32, zeros, {}).data(), zeros).is_same);
  // Also where the length may be any.
  for (const VectorElement element : {VectorElement::Float32, VectorElement::Float16}) {
    VectorJudge any_length(element, kDimension, std::nullopt, 0.9999, false);
    const Judgement judged = any_length.judge(stored_as(element, zeros, {}).data(), values);
    EXPECT_EQ(judged.wrong, WrongKind::Vector);
    EXPECT_EQ(judged.cosine, 0);
    EXPECT_TRUE(any_length.judge(stored_as(element, zeros, {}).data(), zeros).is_same);
    EXPECT_EQ(any_length.judge(stored_as(element, broken, {}).data(), values).wrong, WrongKind::NonFinite);
  }
}

}  // namespace
}  // namespace llama::internal
