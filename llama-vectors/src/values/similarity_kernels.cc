// Included once for each target of Highway's.
#include "values/similarity_kernels.h"

#include <cstring>

// On x86 what every processor has, AVX2 and AVX-512.
#if defined(__x86_64__)
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_AVX10_2)
#else
#define HWY_COMPILE_ONLY_STATIC
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "values/similarity_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace llama::internal::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::CappedTag<double, 8>;
using Vector = hn::Vec<Doubles>;
using Floats = hn::Rebind<float, Doubles>;
constexpr std::size_t kLanes = hn::MaxLanes(Doubles());
constexpr std::size_t kVectors = kSumParts / kLanes;  // of one sum

HWY_ATTR void widen_float32(const float* from, std::size_t count, double* out) {
  const Doubles d;
  const Floats f;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) hn::StoreU(hn::PromoteTo(d, hn::LoadU(f, from + i)), d, out + i);
  for (; i < count; ++i) out[i] = from[i];
}

// The exponent and the fraction of a float16, moved to where a float has them, are the number 2^112 times too small,
// also of the numbers below 2^-14, which have no leading bit: the multiplication, which is exact, gives it to them. Of
// infinity and NaN the exponent is filled up. (Highway's own conversion knows neither where it is emulated.)
HWY_ATTR void widen_float16(const std::uint16_t* from, std::size_t count, double* out) {
  const hn::ScalableTag<float> f;
  const hn::RebindToUnsigned<decltype(f)> u32;
  const hn::Rebind<std::uint16_t, decltype(f)> u16;
  constexpr std::size_t kAtOnce = hn::MaxLanes(f);
  HWY_ALIGN float floats[kAtOnce];
  std::uint16_t last[kAtOnce] = {};
  for (std::size_t i = 0; i < count; i += kAtOnce) {
    const std::size_t n = count - i < kAtOnce ? count - i : kAtOnce;
    if (n < kAtOnce) std::memcpy(last, from + i, n * sizeof *last);
    const auto bits = hn::PromoteTo(u32, hn::LoadU(u16, n < kAtOnce ? last : from + i));
    const auto magnitude = hn::And(bits, hn::Set(u32, 0x7fff));
    const auto scaled = hn::Mul(hn::BitCast(f, hn::ShiftLeft<13>(magnitude)), hn::Set(f, 0x1p112F));
    const auto is_special = hn::Gt(magnitude, hn::Set(u32, 0x7bff));
    const auto filled = hn::Or(hn::BitCast(u32, scaled), hn::IfThenElseZero(is_special, hn::Set(u32, 0x7f800000)));
    const auto sign = hn::ShiftLeft<16>(hn::AndNot(hn::Set(u32, 0x7fff), bits));
    hn::Store(hn::BitCast(f, hn::Or(filled, sign)), f, floats);
    widen_float32(floats, n, out + i);
  }
}

HWY_ATTR void widen_int8(const std::int8_t* from, const double* starts, const double* steps, std::size_t count,
                         double* out) {
  const Doubles d;
  const hn::Rebind<std::int32_t, Doubles> i32;
  const hn::Rebind<std::int8_t, Doubles> i8;
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const auto codes = hn::PromoteTo(d, hn::PromoteTo(i32, hn::LoadU(i8, from + i)));
    const Vector value =
        hn::Add(hn::LoadU(d, starts + i), hn::Mul(hn::Add(codes, hn::Set(d, 128.0)), hn::LoadU(d, steps + i)));
    hn::StoreU(value, d, out + i);
  }
  for (; i < count; ++i) out[i] = starts[i] + (from[i] + 128.0) * steps[i];
}

struct Sum {
  Vector parts[kVectors];
};

HWY_INLINE double total(const Sum& sum) {
  const Doubles d;
  HWY_ALIGN double parts[kSumParts];
  for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sum.parts[v], d, parts + v * kLanes);
  for (std::size_t half = kSumParts / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) parts[i] += parts[i + half];
  return parts[0];
}

// kCount products at once, and a · a if it is wanted: what is loaded of `a` serves all of them.
template <std::size_t kCount, bool kSquare>
HWY_INLINE double products_of(const double* a, const double* b, std::size_t length, double* out) {
  const Doubles d;
  constexpr std::size_t kSums = kCount + (kSquare ? 1 : 0);
  Sum sums[kSums];
  for (Sum& sum : sums)
    for (Vector& part : sum.parts) part = hn::Zero(d);
  for (std::size_t i = 0; i < length; i += kSumParts) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Vector left = hn::LoadU(d, a + i + v * kLanes);
      for (std::size_t j = 0; j < kCount; ++j)
        sums[j].parts[v] = hn::MulAdd(left, hn::LoadU(d, b + j * length + i + v * kLanes), sums[j].parts[v]);
      if constexpr (kSquare) sums[kCount].parts[v] = hn::MulAdd(left, left, sums[kCount].parts[v]);
    }
  }
  for (std::size_t j = 0; j < kCount; ++j) out[j] = total(sums[j]);
  if constexpr (kSquare) return total(sums[kCount]);
  return 0;
}

HWY_ATTR double products(const double* a, const double* b, std::size_t count, std::size_t length, double* out) {
  if (count == 0) return products_of<0, true>(a, b, length, out);
  const double square = products_of<1, true>(a, b, length, out);
  std::size_t i = 1;
  for (; i + 2 <= count; i += 2) products_of<2, false>(a, b + i * length, length, out + i);
  if (i < count) products_of<1, false>(a, b + i * length, length, out + i);
  return square;
}

// Four sums, so that none waits for its own last addition.
HWY_ATTR float squared_distance(const float* a, const float* b, std::size_t count) {
  const hn::CappedTag<float, 16> f;
  constexpr std::size_t kAtOnce = hn::MaxLanes(f);
  hn::Vec<decltype(f)> sums[4];
  for (auto& sum : sums) sum = hn::Zero(f);
  std::size_t i = 0;
  for (; i + 4 * kAtOnce <= count; i += 4 * kAtOnce) {
    for (std::size_t s = 0; s < 4; ++s) {
      const auto apart = hn::Sub(hn::LoadU(f, a + i + s * kAtOnce), hn::LoadU(f, b + i + s * kAtOnce));
      sums[s] = hn::MulAdd(apart, apart, sums[s]);
    }
  }
  for (; i < count; i += kAtOnce) {
    const std::size_t n = count - i < kAtOnce ? count - i : kAtOnce;
    const auto apart = hn::Sub(hn::LoadN(f, a + i, n), hn::LoadN(f, b + i, n));
    sums[0] = hn::MulAdd(apart, apart, sums[0]);
  }
  return hn::ReduceSum(f, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
}

constexpr SimilarityKernels kKernels = {.target = HWY_TARGET,
                                        .widen_float32 = widen_float32,
                                        .widen_float16 = widen_float16,
                                        .widen_int8 = widen_int8,
                                        .products = products,
                                        .squared_distance = squared_distance};
}  // namespace

struct Level {
  static constexpr const SimilarityKernels* kernels = &kKernels;
};

}  // namespace llama::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <hwy/targets.h>

namespace llama::internal {
namespace {

// The best one first.
#if defined(__x86_64__)
constexpr const SimilarityKernels* kLevels[] = {N_AVX3::Level::kernels, N_AVX2::Level::kernels,
                                                HWY_STATIC_NAMESPACE::Level::kernels};
#else
constexpr const SimilarityKernels* kLevels[] = {HWY_STATIC_NAMESPACE::Level::kernels};
#endif

}  // namespace

std::vector<const SimilarityKernels*> all_similarity_kernels() {
  std::vector<const SimilarityKernels*> all;
  for (const SimilarityKernels* one : kLevels)
    if ((hwy::SupportedTargets() & one->target) != 0) all.push_back(one);
  return all;
}

const SimilarityKernels& similarity_kernels() {
  static const SimilarityKernels& best = *all_similarity_kernels().front();
  return best;
}

}  // namespace llama::internal
#endif
