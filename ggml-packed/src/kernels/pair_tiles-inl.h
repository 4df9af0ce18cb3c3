// The innermost loops over panels of 8 and 4 bits without VNNI: products in pairs. Included once per target.
#include <hwy/highway.h>

#if defined(GGML_PACKED_PAIR_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_PAIR_TILES_INL_H
#undef GGML_PACKED_PAIR_TILES_INL_H
#else
#define GGML_PACKED_PAIR_TILES_INL_H
#endif

#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// As many rows as the registers hold a vector's sums for, of the block and of the row.
constexpr std::size_t kPairRows = 4;

template <class I8>
HWY_INLINE I8 with_sign_of(I8 values, I8 signs) {
#if HWY_TARGET == HWY_AVX2
  return {_mm256_sign_epi8(values.raw, signs.raw)};
#else
  return hn::IfNegativeThenNegOrUndefIfZero(signs, values);
#endif
}

// sum += value, one row after the other: the compiler would compute rows side by side, for which there are not enough
// registers.
template <class V>
HWY_INLINE void add_in_turn(V& sum, V value) {
#if HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(hn::TFromV<V>) == 2) {
    asm volatile("vpaddw %1, %0, %0" : "+x"(sum.raw) : "x"(value.raw));
  } else {
    asm volatile("vpaddd %1, %0, %0" : "+x"(sum.raw) : "x"(value.raw));
  }
#else
  sum = hn::Add(sum, value);
#endif
}

// Rows of activations times a panel of 8 bits, without VNNI.
//
// AVX2 multiplies bytes only as unsigned times signed, and adds two neighbouring products in 16 bits (vpmaddubsw). So
// the unsigned operand is |w| and the signed one the activation a with w's sign; a pair is at least -2 * 128 * 128,
// so nothing overflows. Another instruction adds two such pairs in 32 bits. The sign: where w is negative, all bits of
// a are turned, which is -a - 1. That makes a product smaller by |w|, whatever a is: the sum of a block's negative
// weights, which the panel has, is what each row of activations is then off by. (An instruction of its own, vpsignb,
// has no such remainder; but AMD's CPUs and some of Intel's execute it only where they multiply, as they do a third of
// the other three.) The sums start at kExact: after a block of 32 they are float32 as they are, and take the two
// scales. Costs three instructions for 32 products (turn, multiply, add pairs) and one to add, four times as many as
// VNNI's one.
//
// A single row waits for the weights' bytes, not for instructions: it takes vpsignb, and leaves the sums unread.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int8_by_pairs(const Tile& tile, const Activations& a, std::size_t row,
                                         const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int16_t, F> i16;
  const hn::Repartition<std::uint8_t, F> u8;
  const hn::Repartition<std::int8_t, F> i8;
  constexpr bool kTurns = Rows > 1;
  const auto ones = hn::Set(i16, 1);
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  const std::int16_t* negatives = tile.negative_sums;
  for (std::size_t block = 0; block < blocks; ++block, negatives += kPanelRows) {
    const std::byte* values = w + kPanelRows * 2;
    Ints start0 = hn::Set(i, kExact), start1 = start0;
    if constexpr (kTurns) {
      const hn::Rebind<std::int16_t, I> halves;
      start0 = hn::Sub(start0, hn::PromoteTo(i, hn::Load(halves, negatives)));
      start1 = hn::Sub(start1, hn::PromoteTo(i, hn::Load(halves, negatives + kLanes)));
    }
    Ints dots[Rows][kVectors];
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      dots[m][0] = start0;
      dots[m][1] = start1;
    });
#pragma GCC unroll 1  // else the compiler reads all of the block's activations first, and keeps them in memory
    for (std::size_t step = 0; step < kBlock / 4; ++step) {
      const auto* four_columns = reinterpret_cast<const std::int8_t*>(values) + step * kPanelRows * 4;
      const auto w0 = hn::Load(i8, four_columns), w1 = hn::Load(i8, four_columns + kLanes * 4);
      const auto magnitude0 = hn::BitCast(u8, hn::Abs(w0)), magnitude1 = hn::BitCast(u8, hn::Abs(w1));
      const auto sign0 = kTurns ? hn::BroadcastSignBit(w0) : w0, sign1 = kTurns ? hn::BroadcastSignBit(w1) : w1;
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const auto four = hn::BitCast(i8, hn::Set(i, four_bytes(x + m * a.stride + block * kBlock + step * 4)));
        const auto signed0 = kTurns ? hn::Xor(four, sign0) : with_sign_of(four, sign0);
        add_in_turn(dots[m][0], hn::WidenMulPairwiseAdd(i, hn::SatWidenMulPairwiseAdd(i16, magnitude0, signed0), ones));
        const auto signed1 = kTurns ? hn::Xor(four, sign1) : with_sign_of(four, sign1);
        add_in_turn(dots[m][1], hn::WidenMulPairwiseAdd(i, hn::SatWidenMulPairwiseAdd(i16, magnitude1, signed1), ones));
      });
    }
    const Floats s0 = scales_of(w), s1 = scales_of(w + kLanes * 2);
    const Floats less0 = exact_offset(s0), less1 = exact_offset(s1);
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats scale = hn::Set(f, scales[m * scale_stride + block].scale);
      sums[m][0] = hn::MulAdd(exact_product(dots[m][0], s0, less0), scale, sums[m][0]);
      sums[m][1] = hn::MulAdd(exact_product(dots[m][1], s1, less1), scale, sums[m][1]);
    });
    w = values + kPanelRows * kBlock;
  }
  store_tile<Rows>(sums, tile, row, output);
}

// Rows of activations times a panel of 4 bits, without VNNI.
//
// Weights are unsigned as they are: scale * q - minimum. A byte holds the weights of two steps: the lower half that of
// columns 0 to 15 of a block, the upper half that of 16 to 31. Being below 16 they need no sign and leave room: all 16
// products of a block and place are added in 16 bits, and widened once. The minimum times the sum of the activations
// (BlockScale::sum) is taken off once per block. Costs two instructions for 32 products, half of what 8 bits cost.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int4_by_pairs(const Tile& tile, const Activations& a, std::size_t row,
                                         const Output& output) {
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
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::byte* values = w + kPanelRows * 4;
    hn::Vec<decltype(i16)> pairs[Rows][kVectors];  // 16 products of at most 15 * 127: no overflow
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { pairs[m][0] = pairs[m][1] = hn::Zero(i16); });
#pragma GCC unroll 1
    for (std::size_t step = 0; step < kBlock / 8; ++step) {
      const auto* both = reinterpret_cast<const std::uint8_t*>(values) + step * kPanelRows * 4;
      const auto both0 = hn::Load(u8, both), both1 = hn::Load(u8, both + kLanes * 4);
      const auto low0 = hn::And(both0, low_half), low1 = hn::And(both1, low_half);
      const auto high0 = hn::And(hn::ShiftRight<4>(both0), low_half),
                 high1 = hn::And(hn::ShiftRight<4>(both1), low_half);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const std::int8_t* at = x + m * a.stride + block * kBlock + step * 4;
        const auto first = hn::BitCast(i8, hn::Set(i, four_bytes(at)));
        add_in_turn(pairs[m][0], hn::SatWidenMulPairwiseAdd(i16, low0, first));
        add_in_turn(pairs[m][1], hn::SatWidenMulPairwiseAdd(i16, low1, first));
        const auto second = hn::BitCast(i8, hn::Set(i, four_bytes(at + kBlock / 2)));
        add_in_turn(pairs[m][0], hn::SatWidenMulPairwiseAdd(i16, high0, second));
        add_in_turn(pairs[m][1], hn::SatWidenMulPairwiseAdd(i16, high1, second));
      });
    }
    const auto ones = hn::Set(i16, 1);
    const auto finish_vector = [&](std::size_t v) GGML_PACKED_INLINE {
      const Floats weight_scale = scales_of(w + v * kLanes * 2),
                   minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        const Floats dots = hn::ConvertTo(f, hn::WidenMulPairwiseAdd(i, pairs[m][v], ones));
        sums[m][v] = hn::MulAdd(hn::Mul(dots, weight_scale), hn::Set(f, s.scale), less);
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
