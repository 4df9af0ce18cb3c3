#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "llama-vectors/vector_search.h"
#include "search/best_rows.h"
#include "values/similarity_kernels.h"
#include "values/vector_widener.h"

namespace llama::internal {
namespace {

std::vector<double> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<double> values(padded(count));
  for (std::size_t i = 0; i < count; ++i) values[i] = normal(random);
  return values;
}

// As similarity_kernels.h says it.
double sum_of_parts(const double* a, const double* b, std::size_t length) {
  std::array<double, kSumParts> parts{};
  for (std::size_t i = 0; i < length; ++i) parts[i % kSumParts] += a[i] * b[i];
  for (std::size_t half = kSumParts / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
  return parts[0];
}

TEST(SimilarityKernels, OfFloatsAreTheSameNumberOnEveryProcessor) {
  for (const SimilarityKernels* kernels : all_similarity_kernels()) {
    for (const std::size_t dimension : {1U, 7U, 8U, 9U, 384U, 1023U}) {
      for (const std::size_t count : {0U, 1U, 2U, 3U, 8U}) {
        const std::vector<double> a = random_values(dimension, 1), b = random_values(padded(dimension) * count, 2);
        std::vector<double> out(count, -1);
        EXPECT_EQ(kernels->products(a.data(), b.data(), count, a.size(), out.data()),
                  sum_of_parts(a.data(), a.data(), a.size()));
        for (std::size_t i = 0; i < count; ++i)
          EXPECT_EQ(out[i], sum_of_parts(a.data(), &b[i * a.size()], a.size()))
              << "target " << kernels->target << ", " << dimension << " dimensions, vector " << i;
      }
    }
  }
}

TEST(SimilarityKernels, MeasureTheDistanceOfAnyNumberOfFloats) {
  for (const SimilarityKernels* kernels : all_similarity_kernels()) {
    for (std::size_t count = 0; count <= 150; ++count) {
      const std::vector<double> left = random_values(count, 3), right = random_values(count, 4);
      const std::vector<float> a(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));  // none to spare
      const std::vector<float> b(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(count));
      double expected = 0;
      for (std::size_t i = 0; i < count; ++i) expected += (left[i] - right[i]) * (left[i] - right[i]);
      EXPECT_NEAR(kernels->squared_distance(a.data(), b.data(), count), expected, 1e-6 * (expected + 1))
          << "target " << kernels->target << ", " << count;
    }
  }
}

TEST(SimilarityKernels, WidenEveryFloat16) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  for (const SimilarityKernels* kernels : all_similarity_kernels()) {
    std::vector<double> out(all.size());
    kernels->widen_float16(all.data(), all.size(), out.data());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const unsigned exponent = i >> 10 & 31, fraction = i & 1023;
      const double sign = i >> 15 ? -1 : 1;
      if (exponent == 31 && fraction != 0) {
        EXPECT_TRUE(std::isnan(out[i])) << i;
      } else {
        const double magnitude = exponent == 31  ? INFINITY
                                 : exponent == 0 ? std::ldexp(fraction, -24)
                                                 : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
        EXPECT_EQ(out[i], sign * magnitude) << i;
      }
    }
  }
}

TEST(SimilarityKernels, WidenAnyNumberOfValuesAndNoMore) {
  for (const SimilarityKernels* kernels : all_similarity_kernels()) {
    for (std::size_t count = 0; count <= 40; ++count) {
      std::vector<float> floats(count);
      std::vector<std::uint16_t> halves(count);
      std::vector<std::int8_t> codes(count);
      std::vector<double> starts(count), steps(count);
      for (std::size_t i = 0; i < count; ++i) {
        floats[i] = static_cast<float>(i) + 0.5F;
        halves[i] = to_float16(floats[i]);
        codes[i] = static_cast<std::int8_t>(i * 7);
        starts[i] = -1.0 - static_cast<double>(i);
        steps[i] = 0.25;
      }
      std::vector<double> out(count + 1, 77);
      const auto check = [&](auto&& expected) {
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(out[i], expected(i)) << count;
        EXPECT_EQ(out[count], 77) << count;
      };
      kernels->widen_float32(floats.data(), count, out.data());
      check([&](std::size_t i) { return static_cast<double>(floats[i]); });
      kernels->widen_float16(halves.data(), count, out.data());
      check([&](std::size_t i) { return static_cast<double>(floats[i]); });
      kernels->widen_int8(codes.data(), starts.data(), steps.data(), count, out.data());
      check([&](std::size_t i) { return starts[i] + (codes[i] + 128.0) * 0.25; });
    }
  }
}

TEST(VectorWidener, TakesInt8WithoutScalesAsNumbers) {
  const std::array<std::int8_t, 4> codes = {-128, -1, 0, 127};
  const VectorWidener widener(VectorElement::Int8, 4, std::nullopt);
  std::vector<double> out(widener.length());
  widener.widen(reinterpret_cast<const std::byte*>(codes.data()), out.data());
  EXPECT_EQ(out, (std::vector<double>{-128, -1, 0, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(VectorWidener, TakesTheFirstDimensionFromTheHighestBit) {
  const std::byte bits[] = {std::byte{0b10100000}, std::byte{0b00000001}};
  const VectorWidener widener(VectorElement::Bits, 16, std::nullopt);
  std::vector<double> out(widener.length());
  widener.widen(bits, out.data());
  std::vector<double> expected(16, -1);
  expected[0] = expected[2] = expected[15] = 1;
  EXPECT_EQ(out, expected);
}

TEST(BestRows, AreThoseOfAWholeSortWhateverComesFirst) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<SearchHit> all(random() % 60);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {i, static_cast<double>(random() % 5)};  // many are equal
    std::vector<SearchHit> expected = all;
    std::ranges::stable_sort(expected, std::greater<>(), &SearchHit::score);
    const std::size_t k = random() % 20;
    expected.resize(std::min(k, all.size()));
    std::ranges::shuffle(all, random);
    std::array<BestRows, 3> threads = {BestRows(k), BestRows(k), BestRows(k)};
    for (const SearchHit& hit : all) threads[random() % 3].add(hit.row, hit.score);
    threads[0].merge(threads[1]);
    threads[0].merge(threads[2]);
    EXPECT_EQ(threads[0].take(), expected);
  }
}

}  // namespace
}  // namespace llama::internal
