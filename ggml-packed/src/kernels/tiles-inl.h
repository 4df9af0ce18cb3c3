// The innermost loop over float32 panels, and what other loops share with it. Included once per target.
#include <hwy/highway.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "format/block.h"

#if defined(GGML_PACKED_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_TILES_INL_H
#undef GGML_PACKED_TILES_INL_H
#else
#define GGML_PACKED_TILES_INL_H
#endif

// A lambda of an inner loop must not become a call.
#undef GGML_PACKED_INLINE
#define GGML_PACKED_INLINE HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Where only bfloat16 is added (targets.h), everything else is base's.
#if HWY_TARGET == HWY_AVX3_ZEN4
namespace base = N_AVX3_DL;
#elif HWY_TARGET == HWY_NEON_BF16
namespace base = N_NEON_WITHOUT_AES;
#else
namespace base = HWY_NAMESPACE;
#endif

using F = hn::ScalableTag<float>;
using I = hn::Rebind<std::int32_t, F>;
using Floats = hn::Vec<F>;
using Ints = hn::Vec<I>;

constexpr std::size_t kLanes = HWY_MAX_BYTES / sizeof(float);
constexpr std::size_t kVectors = 2;
constexpr std::size_t kPanelRows = kLanes * kVectors;
// As many rows of activations as the registers hold sums for.
constexpr std::size_t kFloatRows = HWY_MAX_BYTES == 64 ? 12 : 6;

// {get<1>(), get<2>(), …, get<Max>()}: a function for each number of rows.
template <std::size_t Max, class Get>
constexpr auto by_rows(const Get& get) {
  return [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    return std::array{get.template operator()<Index + 1>()...};
  }(std::make_index_sequence<Max>());
}

// body(0), body(1), …: written out, so that the sums stay in registers whatever the compiler thinks of loops.
template <std::size_t Count, class Body>
HWY_INLINE void unroll(const Body& body) {
  [&]<std::size_t... Index>(std::index_sequence<Index...>)
      GGML_PACKED_INLINE { (body(Index), ...); }(std::make_index_sequence<Count>());
}

// How many of `left` rows to compute next, Max being a full tile: 13 rows are 7 and 6, not 12 and 1, because a tile
// with few rows waits for its own sums.
template <std::size_t Max>
constexpr std::size_t rows_of_tile(std::size_t left) {
  return left <= Max ? left : left < 2 * Max ? (left + 1) / 2 : Max;
}

// float16, as many as a vector has lanes.
HWY_INLINE Floats scales_of(const std::byte* at) {
  const hn::Rebind<hwy::float16_t, F> h;
  return hn::PromoteTo(F(), hn::LoadU(h, reinterpret_cast<const hwy::float16_t*>(at)));
}

// Of scales of activations (block.h): the parts of them, and the next one that there is, from a positive number on.
HWY_INLINE Floats power_of_two(Floats scale) {
  const I i;
  return hn::BitCast(F(), hn::And(hn::BitCast(i, scale), hn::Set(i, 0x7F800000)));
}
HWY_INLINE Floats mantissa(Floats scale) {
  const I i;
  return hn::BitCast(F(), hn::Or(hn::And(hn::BitCast(i, scale), hn::Set(i, 0x007FFFFF)), hn::Set(i, 0x3F800000)));
}
HWY_INLINE Floats scale_from(Floats value) {
  const I i;
  constexpr std::int32_t kBelowStep = (1 << (23 - kScaleStepBits)) - 1;
  return hn::BitCast(F(), hn::AndNot(hn::Set(i, kBelowStep), hn::Add(hn::BitCast(i, value), hn::Set(i, kBelowStep))));
}
HWY_INLINE Floats scale_after(Floats scale) {
  const I i;
  return hn::BitCast(F(), hn::Add(hn::BitCast(i, scale), hn::Set(i, 1 << (23 - kScaleStepBits))));
}

// A sum of products of bytes that started at kExact, times a weight's scale. The scale has 11 bits and kExactValue 2,
// so what is taken off again is exact, and the product is rounded once: as if the sum had been converted.
HWY_INLINE Floats exact_offset(Floats scale) { return hn::Mul(scale, hn::Set(F(), -kExactValue)); }
HWY_INLINE Floats exact_product(Ints sum, Floats scale, Floats offset) {
  return hn::MulAdd(hn::BitCast(F(), sum), scale, offset);
}

// Rows of activations (`stride` floats apart) times a panel: `length` steps of kPanelRows weights.
//
// In each step the panel gives two vectors of weights, and each row one activation, copied to all lanes. So two loads
// serve 2 * Rows multiply-adds, whose sums never leave the registers; with enough rows they follow one another without
// waiting for the one before. Costs 2 * Rows multiply-adds and Rows + 2 loads a step.
template <std::size_t Rows>
HWY_INLINE void sum_products(const float* panel, std::size_t length, const float* x, std::size_t stride,
                             Floats (&sums)[Rows][kVectors]) {
  const F f;
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  for (std::size_t k = 0; k < length; ++k, panel += kPanelRows) {
    const Floats w0 = hn::Load(f, panel), w1 = hn::Load(f, panel + kLanes);
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats value = hn::Set(f, x[m * stride + k]);
      sums[m][0] = hn::MulAdd(value, w0, sums[m][0]);
      sums[m][1] = hn::MulAdd(value, w1, sums[m][1]);
    });
  }
}

// Rounded to bfloat16, an odd number of them followed by a zero. `out` may be where the values are: only what has been
// read is overwritten.
HWY_INLINE void to_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  const F f;
  const hn::Rebind<hwy::bfloat16_t, F> b;
  const hn::Rebind<std::uint16_t, F> u;
  std::size_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    hn::StoreU(hn::BitCast(u, hn::DemoteTo(b, hn::LoadU(f, values + k))), u, out + k);
  }
  if (k < count) {
    hn::StoreN(hn::BitCast(u, hn::DemoteTo(b, hn::LoadN(f, values + k, count - k))), u, out + k, count - k);
  }
  if (count % 2 != 0) out[count] = 0;
}

#if GGML_PACKED_ADDS_BF16
// The same with pairs of bfloat16 in the place of each float: `length` and `stride` count pairs.
template <std::size_t Rows>
HWY_INLINE void sum_pair_products(const float* panel, std::size_t length, const float* x, std::size_t stride,
                                  Floats (&sums)[Rows][kVectors]) {
  const F f;
  const hn::Repartition<hwy::bfloat16_t, F> b;
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  Floats unused = hn::Zero(f);
  for (std::size_t k = 0; k < length; ++k, panel += kPanelRows) {
    const auto w0 = hn::BitCast(b, hn::Load(f, panel)), w1 = hn::BitCast(b, hn::Load(f, panel + kLanes));
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const auto pair = hn::BitCast(b, hn::Set(f, x[m * stride + k]));
      sums[m][0] = hn::ReorderWidenMulAccumulate(f, pair, w0, sums[m][0], unused);
      sums[m][1] = hn::ReorderWidenMulAccumulate(f, pair, w1, sums[m][1], unused);
    });
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
