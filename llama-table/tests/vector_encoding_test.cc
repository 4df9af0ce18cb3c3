// Against numpy's float16 and packbits and the formula of sentence-transformers' quantize_embeddings(), computed by
// numpy 2 in float32; against Arrow's float16 for every exponent.
#include "llama-table/vector_encoding.h"

#include <arrow/util/float16.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace llama {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();

TEST(Float16, IsWhatNumpyMakesOfIt) {
  const std::vector<std::pair<float, std::uint16_t>> rows = {{0.0F, 0x0},
                                                             {-0.0F, 0x8000},
                                                             {1.0F, 0x3c00},
                                                             {-2.0F, 0xc000},
                                                             {65504.0F, 0x7bff},
                                                             {65519.996F, 0x7bff},
                                                             {65520.0F, 0x7c00},
                                                             {1e6F, 0x7c00},
                                                             {-1e6F, 0xfc00},
                                                             {0x1p-14F, 0x400},
                                                             {6.097555e-05F, 0x3ff},
                                                             {0x1p-24F, 0x1},
                                                             {0x1p-25F, 0x0},
                                                             {2.9802326e-08F, 0x1},
                                                             {1e-10F, 0x0},
                                                             {1.00048828125F, 0x3c00},
                                                             {1.00146484375F, 0x3c02},
                                                             {0.1F, 0x2e66},
                                                             {0.333251953125F, 0x3555},
                                                             {kInfinite, 0x7c00},
                                                             {-kInfinite, 0xfc00},
                                                             {0x1.8p-24F, 0x2},
                                                             {0x1.4p-23F, 0x2}};
  for (const auto& [value, bits] : rows) EXPECT_EQ(to_float16(value), bits) << value;
}

TEST(Float16, IsWhatArrowMakesOfItForEveryExponent) {
  std::mt19937 random(11);
  for (std::uint32_t exponent = 0; exponent < 512; ++exponent) {
    for (int i = 0; i < 200; ++i) {
      // The bits that are cut off are often exactly half, or next to it.
      const std::uint32_t halves[] = {0x1000, 0x0fff, 0x1001, 0x0000, static_cast<std::uint32_t>(random() & 0x1fff)};
      const std::uint32_t fraction = (random() & 0x7fe000) | halves[i % 5];
      const auto value = std::bit_cast<float>(exponent << 23 | fraction);
      if (std::isnan(value)) {
        EXPECT_GT(to_float16(value) & 0x7fff, 0x7c00);
      } else {
        EXPECT_EQ(to_float16(value), arrow::util::Float16::FromFloat(value).bits()) << value;
      }
    }
  }
}

// Five vectors of nine dimensions, the last of which never changes; the scales are the first three's.
constexpr std::size_t kDimension = 9;
const std::vector<float> kVectors = {
    -0.8019F, -1.3244F, -0.2484F, 0.4204F,  1.136F,   0.1097F,  -0.0553F, -7.8478F,  0.0F,   //
    1.6348F,  0.2728F,  -1.2333F, -0.9583F, 1.6F,     0.2029F,  -0.1732F, -0.837F,   -0.0F,  //
    -0.6293F, -0.488F,  -0.7133F, 0.5534F,  -0.0631F, -0.5894F, 0.041F,   8.2986F,   -0.0F,  //
    -0.2567F, -0.9807F, -0.1732F, -1.2894F, 0.0207F,  -0.0379F, -0.0304F, -10.4793F, -0.0F,  //
    -1.0913F, -1.3552F, 0.2248F,  -1.1094F, 1.1703F,  0.7166F,  -0.1998F, 2.7213F,   -0.0F};

std::span<const float> vector_number(std::size_t i) { return std::span(kVectors).subspan(i * kDimension, kDimension); }

template <class T>
std::vector<int> numbers_in(const std::vector<std::byte>& bytes) {
  std::vector<int> numbers;
  for (const std::byte byte : bytes) numbers.push_back(static_cast<T>(byte));
  return numbers;
}

TEST(Int8Scales, AreThoseOfSentenceTransformers) {
  const auto scales = Int8Scales::of(std::span(kVectors).first(3 * kDimension), kDimension);
  ASSERT_TRUE(scales);
  const std::vector<std::vector<int>> expected = {{-128, -128, 127, 104, 55, 97, 12, -128, -128},
                                                  {127, 127, -128, -128, 127, 127, -128, -17, -128},
                                                  {-109, 5, 6, 127, -128, -128, 127, 126, -128},
                                                  {-70, -73, 127, -128, -115, 49, 42, -128, -128},
                                                  {-128, -128, 127, -128, 61, 127, -128, 38, -128}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::vector<std::byte> bytes;
    append_int8(vector_number(i), *scales, bytes);
    EXPECT_EQ(numbers_in<std::int8_t>(bytes), expected[i]) << i;
  }
}

TEST(Int8Scales, HoldWhatIsNotFiniteWithinTheirEnds) {
  const auto scales = Int8Scales::of(std::vector<float>{0, 0, 0, 1, 1, 1}, 3);
  std::vector<std::byte> bytes;
  append_int8(std::vector<float>{kInfinite, -kInfinite, NAN}, *scales, bytes);
  EXPECT_EQ(numbers_in<std::int8_t>(bytes), (std::vector<int>{127, -128, -128}));
}

TEST(Int8Scales, NeedWholeFiniteVectors) {
  EXPECT_FALSE(Int8Scales::of({}, 3));
  EXPECT_FALSE(Int8Scales::of(std::vector<float>{1, 2, 3}, 2));
  EXPECT_FALSE(Int8Scales::of(std::vector<float>{1, 2, 3}, 0));
  EXPECT_FALSE(Int8Scales::of(std::vector<float>{1, NAN}, 2));
  EXPECT_FALSE(Int8Scales::of(std::vector<float>{1, kInfinite}, 2));
}

TEST(Bits, AreThoseOfNumpysPackbits) {
  const std::vector<std::vector<int>> expected = {{28, 0}, {204, 0}, {19, 0}, {8, 0}, {45, 0}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::vector<std::byte> bytes;
    append_bits(vector_number(i), bytes);
    EXPECT_EQ(numbers_in<std::uint8_t>(bytes), expected[i]) << i;
  }
}

TEST(Bytes, AreAppendedAsTheyLieInMemory) {
  const std::vector<float> vector = {1.5F, -2};
  std::vector<std::byte> bytes(3);
  append_float32(vector, bytes);
  append_float16(vector, bytes);
  ASSERT_EQ(bytes.size(), 3u + 8 + 4);
  EXPECT_EQ(std::vector<std::byte>(bytes.begin() + 3, bytes.begin() + 11),
            std::vector<std::byte>(std::as_bytes(std::span(vector)).begin(), std::as_bytes(std::span(vector)).end()));
  EXPECT_EQ(numbers_in<std::uint8_t>({bytes.begin() + 11, bytes.end()}), (std::vector<int>{0, 0x3e, 0, 0xc0}));
}

}  // namespace
}  // namespace llama
