// The innermost loops over panels of 8 and 4 bits. Included once per level of CPU.
#include <hwy/highway.h>

#if defined(GGML_PACKED_INTEGER_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_INTEGER_TILES_INL_H
#undef GGML_PACKED_INTEGER_TILES_INL_H
#else
#define GGML_PACKED_INTEGER_TILES_INL_H
#endif

#include "finished_tiles-inl.h"
#include "kernels.h"
#include "tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// As many rows as the registers hold a block's sums for, beside those of the row.
constexpr std::size_t kInt8Rows = HWY_MAX_BYTES == 64 ? 6 : 4;

HWY_INLINE Floats scales_of(const std::byte* at) {
  const hn::Rebind<hwy::float16_t, F> h;
  return hn::PromoteTo(F(), hn::LoadU(h, reinterpret_cast<const hwy::float16_t*>(at)));
}

#if HWY_TARGET <= HWY_AVX3_DL
// Unsigned weights, signed activations: vpdpbusd. The sums start at -128 times the activations' sum.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int8(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::uint8_t, F> u8;
  const hn::Repartition<std::int8_t, F> i8;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  for (std::size_t block = 0; block < blocks; ++block) {
    const Floats s0 = scales_of(w), s1 = scales_of(w + kLanes * 2);
    w += kPanelRows * 2;
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      dots[m][0] = dots[m][1] = hn::Set(i, scales[m * scale_stride + block].correction);
    });
    unroll<kBlock / 4>([&](std::size_t step) GGML_PACKED_INLINE {
      const auto* four_columns = reinterpret_cast<const std::uint8_t*>(w) + step * kPanelRows * 4;
      const auto w0 = hn::Load(u8, four_columns), w1 = hn::Load(u8, four_columns + kLanes * 4);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const auto four = hn::BitCast(i8, hn::Set(i, four_bytes(x + m * a.stride + block * kBlock + step * 4)));
        dots[m][0] = hn::SumOfMulQuadAccumulate(i, w0, four, dots[m][0]);
        dots[m][1] = hn::SumOfMulQuadAccumulate(i, w1, four, dots[m][1]);
      });
    });
    w += kPanelRows * kBlock;
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats scale = hn::Set(f, scales[m * scale_stride + block].scale);
      sums[m][0] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][0]), s0), scale, sums[m][0]);
      sums[m][1] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][1]), s1), scale, sums[m][1]);
    });
  }
  store_tile<Rows>(sums, tile, row, output);
}
#else
// Products of int8 in pairs: |w| as the unsigned operand, the activation with w's sign as the signed one. No pair can
// overflow int16: 2 * 127 * 128.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int8(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int16_t, F> i16;
  const hn::Repartition<std::uint8_t, F> u8;
  const hn::Repartition<std::int8_t, F> i8;
  const auto ones = hn::Set(i16, 1);
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::byte* values = w + kPanelRows * 2;
    for (std::size_t v = 0; v < kVectors; ++v) {
      Ints dots[Rows];
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { dots[m] = hn::Zero(i); });
      for (std::size_t step = 0; step < kBlock; step += 4) {
        const auto weight = hn::Load(i8, reinterpret_cast<const std::int8_t*>(values + (step * kVectors + v * 4) * kLanes));
        const auto magnitude = hn::BitCast(u8, hn::Abs(weight));
        unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
          const auto four = hn::BitCast(i8, hn::Set(i, four_bytes(x + m * a.stride + block * kBlock + step)));
#if HWY_TARGET == HWY_AVX2
          const auto signed_four = hn::Vec<decltype(i8)>{_mm256_sign_epi8(four.raw, weight.raw)};
#else
          const auto signed_four = hn::IfNegativeThenNegOrUndefIfZero(weight, four);
#endif
          const auto pairs = hn::SatWidenMulPairwiseAdd(i16, magnitude, signed_four);
          dots[m] = hn::Add(dots[m], hn::WidenMulPairwiseAdd(i, pairs, ones));
        });
      }
      const Floats weight_scale = scales_of(w + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const Floats scale = hn::Set(f, scales[m * scale_stride + block].scale);
        sums[m][v] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m]), weight_scale), scale, sums[m][v]);
      });
    }
    w = values + kPanelRows * kBlock;
  }
  store_tile<Rows>(sums, tile, row, output);
}
#endif

// Weights of 4 bits, unsigned as they are: scale * q - minimum. A byte holds the weights of two steps: the lower half that
// of columns 0 to 15 of a block, the upper half that of 16 to 31.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int4(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int16_t, F> i16;
  const hn::Repartition<std::uint8_t, F> u8;
  const hn::Repartition<std::int8_t, F> i8;
  const auto low_half = hn::Set(u8, 0x0F);
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  constexpr std::size_t kSteps = kBlock / 8;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::byte* values = w + kPanelRows * 4;
#if HWY_TARGET <= HWY_AVX3_DL
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { dots[m][0] = dots[m][1] = hn::Zero(i); });
    unroll<kSteps>([&](std::size_t step) GGML_PACKED_INLINE {
      const auto* both = reinterpret_cast<const std::uint8_t*>(values) + step * kPanelRows * 4;
      const auto both0 = hn::Load(u8, both), both1 = hn::Load(u8, both + kLanes * 4);
      const auto low0 = hn::And(both0, low_half), low1 = hn::And(both1, low_half);
      const auto high0 = hn::And(hn::ShiftRight<4>(both0), low_half), high1 = hn::And(hn::ShiftRight<4>(both1), low_half);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const std::int8_t* at = x + m * a.stride + block * kBlock + step * 4;
        const auto first = hn::BitCast(i8, hn::Set(i, four_bytes(at)));
        dots[m][0] = hn::SumOfMulQuadAccumulate(i, low0, first, dots[m][0]);
        dots[m][1] = hn::SumOfMulQuadAccumulate(i, low1, first, dots[m][1]);
        const auto second = hn::BitCast(i8, hn::Set(i, four_bytes(at + kBlock / 2)));
        dots[m][0] = hn::SumOfMulQuadAccumulate(i, high0, second, dots[m][0]);
        dots[m][1] = hn::SumOfMulQuadAccumulate(i, high1, second, dots[m][1]);
      });
    });
    const auto finish_vector = [&](std::size_t v) GGML_PACKED_INLINE {
      const Floats weight_scale = scales_of(w + v * kLanes * 2), minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        sums[m][v] = hn::MulAdd(hn::Mul(hn::ConvertTo(f, dots[m][v]), weight_scale), hn::Set(f, s.scale), less);
      });
    };
    finish_vector(0);
    finish_vector(1);
    (void)i16;
#else
    const auto ones = hn::Set(i16, 1);
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Vec<decltype(i16)> pairs[Rows];  // 16 products of at most 15 * 127: no overflow
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { pairs[m] = hn::Zero(i16); });
      for (std::size_t step = 0; step < kSteps; ++step) {
        const auto both = hn::Load(u8, reinterpret_cast<const std::uint8_t*>(values) + (step * kVectors + v) * kLanes * 4);
        const auto low = hn::And(both, low_half), high = hn::And(hn::ShiftRight<4>(both), low_half);
        unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
          const std::int8_t* at = x + m * a.stride + block * kBlock + step * 4;
          const auto first = hn::BitCast(i8, hn::Set(i, four_bytes(at)));
          const auto second = hn::BitCast(i8, hn::Set(i, four_bytes(at + kBlock / 2)));
          pairs[m] = hn::Add(pairs[m], hn::SatWidenMulPairwiseAdd(i16, low, first));
          pairs[m] = hn::Add(pairs[m], hn::SatWidenMulPairwiseAdd(i16, high, second));
        });
      }
      const Floats weight_scale = scales_of(w + v * kLanes * 2), minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        const Floats dots = hn::ConvertTo(f, hn::WidenMulPairwiseAdd(i, pairs[m], ones));
        sums[m][v] = hn::MulAdd(hn::Mul(dots, weight_scale), hn::Set(f, s.scale), less);
      });
    }
#endif
    w = values + kPanelRows * kBlock / 2;
  }
  store_tile<Rows>(sums, tile, row, output);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
