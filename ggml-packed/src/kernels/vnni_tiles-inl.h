// The innermost loops over panels of 8 and 4 bits with VNNI: products of four. Included once per target.
#include <hwy/highway.h>

#if defined(GGML_PACKED_VNNI_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_VNNI_TILES_INL_H
#undef GGML_PACKED_VNNI_TILES_INL_H
#else
#define GGML_PACKED_VNNI_TILES_INL_H
#endif

#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/scales-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// As many rows as the registers hold a block's sums for; those of the row may wait in memory.
constexpr std::size_t kVnniRows = 6;

// vpdpbusd: adds the products of four neighbours.
template <class U8, class I8>
HWY_INLINE Ints add_fours(Ints sum, U8 weights, I8 four) {
#if HWY_TARGET == HWY_AVX2
  // AVX-VNNI. Highway has no target for it; as an instruction it needs none of the compiler's either.
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(weights.raw), "x"(four.raw));
  return sum;
#else
  return hn::SumOfMulQuadAccumulate(I(), weights, four, sum);
#endif
}

// A block's products, which began at the activations' start, as float32 in steps of their scale's power of two: exact.
HWY_INLINE Floats exact_sum(Ints dots, const BlockScale& scale) {
  const F f;
  return hn::Sub(hn::BitCast(f, dots), hn::Set(f, scale.zero));
}

// Rows of activations times a panel of 8 bits, with VNNI.
//
// vpdpbusd multiplies four unsigned bytes with four signed ones and adds the products to a sum in 32 bits. Weights are
// signed, so they were packed with 128 added; the sum of (w + 128) * x is too large by 128 times the sum of x, which
// was computed when the activations were rounded: the sums start at minus that (BlockScale::start), and at `zero`, so
// that after a block of 32 they are float32 as they are. Costs one instruction for 64 products (32 with AVX-VNNI), and
// two per vector of rows and block for the scales, one of which adds: a CPU multiplies and adds in different places.
// Without a table there is a third.
template <std::size_t Rows, bool LooksUp>
HWY_NOINLINE void multiply_int8_by_fours(const Tile& tile, const Activations& a, std::size_t row,
                                         const Output& output) {
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
    const BlockScales<LooksUp> with_weights(tile.scales, block, w);
    w += kPanelRows * 2;
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      dots[m][0] = dots[m][1] = hn::Set(i, scales[m * scale_stride + block].start);
    });
    unroll<kBlock / 4>([&](std::size_t step) GGML_PACKED_INLINE {
      const auto* four_columns = reinterpret_cast<const std::uint8_t*>(w) + step * kPanelRows * 4;
      const auto w0 = hn::Load(u8, four_columns), w1 = hn::Load(u8, four_columns + kLanes * 4);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const auto four = hn::BitCast(i8, hn::Set(i, four_bytes(x + m * a.stride + block * kBlock + step * 4)));
        dots[m][0] = add_fours(dots[m][0], w0, four);
        dots[m][1] = add_fours(dots[m][1], w1, four);
      });
    });
    w += kPanelRows * kBlock;
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const BlockScale& s = scales[m * scale_stride + block];
      sums[m][0] = hn::MulAdd(exact_sum(dots[m][0], s), with_weights.with(s, 0), sums[m][0]);
      sums[m][1] = hn::MulAdd(exact_sum(dots[m][1], s), with_weights.with(s, 1), sums[m][1]);
    });
  }
  store_tile<Rows>(sums, tile, row, output);
}

// Rows of activations times a panel of 4 bits, with VNNI.
//
// Weights are unsigned as they are: scale * q - minimum. A byte holds the weights of two steps: the lower half that of
// columns 0 to 15 of a block, the upper half that of 16 to 31. Products are as above without a correction; the minimum
// times the sum of the activations (BlockScale::sum) is taken off once per block. Costs what 8 bits cost and two
// instructions per step to take a byte apart, for half of the memory to read.
template <std::size_t Rows, bool LooksUp>
HWY_NOINLINE void multiply_int4_by_fours(const Tile& tile, const Activations& a, std::size_t row,
                                         const Output& output) {
  const F f;
  const I i;
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
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      dots[m][0] = dots[m][1] = hn::BitCast(i, hn::Set(f, scales[m * scale_stride + block].zero));
    });
    unroll<kSteps>([&](std::size_t step) GGML_PACKED_INLINE {
      const auto* both = reinterpret_cast<const std::uint8_t*>(values) + step * kPanelRows * 4;
      const auto both0 = hn::Load(u8, both), both1 = hn::Load(u8, both + kLanes * 4);
      const auto low0 = hn::And(both0, low_half), low1 = hn::And(both1, low_half);
      const auto high0 = hn::And(hn::ShiftRight<4>(both0), low_half),
                 high1 = hn::And(hn::ShiftRight<4>(both1), low_half);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const std::int8_t* at = x + m * a.stride + block * kBlock + step * 4;
        const auto first = hn::BitCast(i8, hn::Set(i, four_bytes(at)));
        dots[m][0] = add_fours(dots[m][0], low0, first);
        dots[m][1] = add_fours(dots[m][1], low1, first);
        const auto second = hn::BitCast(i8, hn::Set(i, four_bytes(at + kBlock / 2)));
        dots[m][0] = add_fours(dots[m][0], high0, second);
        dots[m][1] = add_fours(dots[m][1], high1, second);
      });
    });
    const BlockScales<LooksUp> with_weights(tile.scales, block, w);
    const auto finish_vector = [&](std::size_t v) GGML_PACKED_INLINE {
      const Floats minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        sums[m][v] = hn::MulAdd(exact_sum(dots[m][v], s), with_weights.with(s, v), less);
      });
    };
    finish_vector(0);
    finish_vector(1);
    w = values + kPanelRows * kBlock / 2;
  }
  store_tile<Rows>(sums, tile, row, output);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
