// The innermost loops over panels of 8 and 4 bits with arm64's products of small matrices (SMMLA). Included once per
// target.
//
// A vector is a matrix of two rows with eight columns. The instruction multiplies two rows of activations with two of
// weights, and adds the four results to a vector of sums: twice as many products as SDOT. So panels have eight columns
// of a row side by side (Kernels::int8_group), and rows of activations are taken in pairs; a last one is its own
// partner, whose results nobody reads.
//
// Cost     one instruction for 32 products; and one per four of them to pair 16 columns of two rows.
// Source   Arm Architecture Reference Manual, SMMLA (FEAT_I8MM).
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_MATRIX_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_MATRIX_TILES_INL_H
#undef GGML_PACKED_MATRIX_TILES_INL_H
#else
#define GGML_PACKED_MATRIX_TILES_INL_H
#endif

#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/tiles-inl.h"

#if GGML_PACKED_IS_NEON
HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// As many rows as the registers hold sums for, of the block and of the row, beside the activations of 16 columns.
constexpr std::size_t kMatrixRows = 4;
constexpr std::size_t kMatrixColumns = 8;
constexpr std::size_t kMatrices = kPanelRows / 2;  // that a panel has side by side

using MatrixBytes = hn::Vec<hn::Repartition<std::int8_t, F>>;

// SMMLA. Highway has no target for it; as an instruction it needs none of the compiler's either.
HWY_INLINE Ints add_matrices(Ints sum, MatrixBytes activations, MatrixBytes weights) {
  asm(".arch_extension i8mm\n\tsmmla %0.4s, %1.16b, %2.16b" : "+w"(sum.raw) : "w"(activations.raw), "w"(weights.raw));
  return sum;
}

// 16 columns of pairs of rows, `stride` bytes apart: matrices of the first and of the second eight of them.
template <std::size_t Rows>
HWY_INLINE void load_pairs(const std::int8_t* x, std::size_t stride, MatrixBytes (&pairs)[(Rows + 1) / 2][2]) {
  const hn::Repartition<std::int8_t, F> i8;
  const hn::Repartition<std::uint64_t, F> u64;
  unroll<(Rows + 1) / 2>([&](std::size_t p) GGML_PACKED_INLINE {
    const auto upper = hn::BitCast(u64, hn::LoadU(i8, x + 2 * p * stride));
    const auto lower = hn::BitCast(u64, hn::LoadU(i8, x + std::min(2 * p + 1, Rows - 1) * stride));
    pairs[p][0] = hn::BitCast(i8, hn::InterleaveLower(u64, upper, lower));
    pairs[p][1] = hn::BitCast(i8, hn::InterleaveUpper(u64, upper, lower));
  });
}

// A vector of row m's sums, of the panel's rows from v * kLanes on.
template <std::size_t Pairs>
HWY_INLINE Floats row_of(const Ints (&sums)[Pairs][kMatrices], std::size_t m, std::size_t v) {
  const Ints &left = sums[m / 2][2 * v], &right = sums[m / 2][2 * v + 1];
  return hn::ConvertTo(F(),
                       m % 2 == 0 ? hn::ConcatLowerLower(I(), right, left) : hn::ConcatUpperUpper(I(), right, left));
}

// Rows of activations times a panel of 8 bits, with SMMLA. After a block of 32 columns the sums become float32 and take
// the two scales, as everywhere.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int8_by_matrices(const Tile& tile, const Activations& a, std::size_t row,
                                            const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int8_t, F> i8;
  constexpr std::size_t kPairs = (Rows + 1) / 2;
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto* values = reinterpret_cast<const std::int8_t*>(w + kPanelRows * 2);
    Ints dots[kPairs][kMatrices];
    unroll<kPairs>([&](std::size_t p) GGML_PACKED_INLINE {
      unroll<kMatrices>([&](std::size_t q) GGML_PACKED_INLINE { dots[p][q] = hn::Zero(i); });
    });
    unroll<2>([&](std::size_t half) GGML_PACKED_INLINE {
      MatrixBytes pairs[kPairs][2];
      load_pairs<Rows>(x + block * kBlock + half * 2 * kMatrixColumns, a.stride, pairs);
      unroll<2>([&](std::size_t step) GGML_PACKED_INLINE {
        unroll<kMatrices>([&](std::size_t q) GGML_PACKED_INLINE {
          const auto weights = hn::Load(i8, values + ((half * 2 + step) * kMatrices + q) * 2 * kMatrixColumns);
          unroll<kPairs>([&](std::size_t p)
                             GGML_PACKED_INLINE { dots[p][q] = add_matrices(dots[p][q], pairs[p][step], weights); });
        });
      });
    });
    const Floats s0 = scales_of(w), s1 = scales_of(w + kLanes * 2);
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats scale = hn::Set(f, scales[m * scale_stride + block].scale);
      sums[m][0] = hn::MulAdd(hn::Mul(row_of(dots, m, 0), s0), scale, sums[m][0]);
      sums[m][1] = hn::MulAdd(hn::Mul(row_of(dots, m, 1), s1), scale, sums[m][1]);
    });
    w += kPanelRows * (2 + kBlock);
  }
  store_tile<Rows>(sums, tile, row, output);
}

// Rows of activations times a panel of 4 bits, with SMMLA.
//
// Weights are as multiply_int4_by_dots() has them, with eight columns of a row in the place of four.
template <std::size_t Rows>
HWY_NOINLINE void multiply_int4_by_matrices(const Tile& tile, const Activations& a, std::size_t row,
                                            const Output& output) {
  const F f;
  const I i;
  const hn::Repartition<std::int8_t, F> i8;
  const hn::Repartition<std::uint8_t, F> u8;
  constexpr std::size_t kPairs = (Rows + 1) / 2;
  const auto low_half = hn::Set(u8, 0x0F);
  const std::int8_t* x = a.int8 + row * a.stride;
  const BlockScale* scales = a.scales + row * (a.stride / kBlock);
  const std::size_t blocks = tile.columns / kBlock, scale_stride = a.stride / kBlock;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  const std::byte* w = tile.panel;
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto* values = reinterpret_cast<const std::uint8_t*>(w + kPanelRows * 4);
    Ints dots[kPairs][kMatrices];
    unroll<kPairs>([&](std::size_t p) GGML_PACKED_INLINE {
      unroll<kMatrices>([&](std::size_t q) GGML_PACKED_INLINE { dots[p][q] = hn::Zero(i); });
    });
    unroll<2>([&](std::size_t half) GGML_PACKED_INLINE {
      MatrixBytes pairs[kPairs][2];
      load_pairs<Rows>(x + block * kBlock + half * 2 * kMatrixColumns, a.stride, pairs);
      unroll<2>([&](std::size_t step) GGML_PACKED_INLINE {
        unroll<kMatrices>([&](std::size_t q) GGML_PACKED_INLINE {
          const auto both = hn::Load(u8, values + (step * kMatrices + q) * 2 * kMatrixColumns);
          const auto weights = hn::BitCast(i8, half == 0 ? hn::And(both, low_half) : hn::ShiftRight<4>(both));
          unroll<kPairs>([&](std::size_t p)
                             GGML_PACKED_INLINE { dots[p][q] = add_matrices(dots[p][q], pairs[p][step], weights); });
        });
      });
    });
    const auto finish_vector = [&](std::size_t v) GGML_PACKED_INLINE {
      const Floats weight_scale = scales_of(w + v * kLanes * 2),
                   minimum = scales_of(w + kPanelRows * 2 + v * kLanes * 2);
      unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
        const BlockScale& s = scales[m * scale_stride + block];
        const Floats less = hn::NegMulAdd(minimum, hn::Set(f, s.sum), sums[m][v]);
        sums[m][v] = hn::MulAdd(hn::Mul(row_of(dots, m, v), weight_scale), hn::Set(f, s.scale), less);
      });
    };
    finish_vector(0);
    finish_vector(1);
    w += kPanelRows * (4 + kBlock / 2);
  }
  store_tile<Rows>(sums, tile, row, output);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();
#endif

#endif
