// Products of a panel of weights with rows of activations, and the levels that there are. Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_MATMUL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_MATMUL_INL_H
#undef GGML_PACKED_MATMUL_INL_H
#else
#define GGML_PACKED_MATMUL_INL_H
#endif

#include "kernels/amx_tiles-inl.h"
#include "kernels/arm_extensions.h"
#include "kernels/dot_tiles-inl.h"
#include "kernels/finished_tiles-inl.h"
#include "kernels/kernels.h"
#include "kernels/lines_ahead.h"
#include "kernels/matrix_tiles-inl.h"
#include "kernels/pair_tiles-inl.h"
#include "kernels/quantize-inl.h"
#include "kernels/scales-inl.h"
#include "kernels/tile_registers.h"
#include "kernels/tiles-inl.h"
#include "kernels/vnni_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kLinesAhead = 128;  // a tile, at most

using TileFunction = void (*)(const Tile&, const Activations&, std::size_t, const Output&);

template <std::size_t Max>
void multiply_rows(const std::array<TileFunction, Max>& tiles, const Tile& tile, const Activations& a,
                   std::size_t begin, std::size_t end, const Output& output, LinesAhead ahead) {
  ahead.share_among((end - begin) / Max, kLinesAhead);
  for (std::size_t row = begin; row < end;) {
    const std::size_t rows = rows_of_tile<Max>(end - row);
    fetch_results(tile, row, rows, output);
    ahead.fetch_some();
    tiles[rows - 1](tile, a, row, output);
    row += rows;
  }
}

Tile tile_of(const Panel& panel) {
  const PackedMatrix& weights = panel.weights;
  return {.panel = weights.panel(panel.index),
          .columns = weights.columns(),
          .first = (panel.before + panel.index) * kPanelRows,
          .count = std::min(kPanelRows, weights.rows() - panel.index * kPanelRows),
          .negative_sums = weights.negative_sums(panel.index)};
}

#if !GGML_PACKED_ADDS_BF16
template <std::size_t Rows>
HWY_NOINLINE void multiply_f32(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  Floats sums[Rows][kVectors];
  sum_products<Rows>(reinterpret_cast<const float*>(tile.panel), tile.columns, a.f32 + row * a.stride, a.stride, sums);
  store_tile<Rows>(sums, tile, row, output);
}

constexpr auto kF32Tiles = by_rows<kFloatRows>([]<std::size_t Rows> { return multiply_f32<Rows>; });
#if HWY_TARGET > HWY_AVX3_DL
constexpr auto kInt8PairTiles = by_rows<kPairRows>([]<std::size_t Rows> { return multiply_int8_by_pairs<Rows>; });
constexpr auto kInt4PairTiles = by_rows<kPairRows>([]<std::size_t Rows> { return multiply_int4_by_pairs<Rows>; });
#endif
#if GGML_PACKED_IS_NEON
constexpr auto kInt8DotTiles = by_rows<kDotRows>([]<std::size_t Rows> { return multiply_int8_by_dots<Rows>; });
constexpr auto kInt4DotTiles = by_rows<kDotRows>([]<std::size_t Rows> { return multiply_int4_by_dots<Rows>; });
constexpr auto kInt8MatrixTiles =
    by_rows<kMatrixRows>([]<std::size_t Rows> { return multiply_int8_by_matrices<Rows>; });
constexpr auto kInt4MatrixTiles =
    by_rows<kMatrixRows>([]<std::size_t Rows> { return multiply_int4_by_matrices<Rows>; });
#endif
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX2
template <bool LooksUp>
constexpr auto kInt8VnniTiles =
    by_rows<kVnniRows>([]<std::size_t Rows> { return multiply_int8_by_fours<Rows, LooksUp>; });
template <bool LooksUp>
constexpr auto kInt4VnniTiles =
    by_rows<kVnniRows>([]<std::size_t Rows> { return multiply_int4_by_fours<Rows, LooksUp>; });
#endif

template <const auto& Int8Tiles, const auto& Int4Tiles>
void multiply_tile(const Panel& panel, const Tile& tile, const Activations& activations, std::size_t begin,
                   std::size_t end, const Output& output) {
  const LinesAhead ahead(panel.next, panel.weights.panel_bytes());
  switch (panel.weights.format()) {
    case Format::Int8:
      return multiply_rows(Int8Tiles, tile, activations, begin, end, output, ahead);
    case Format::Int4:
      return multiply_rows(Int4Tiles, tile, activations, begin, end, output, ahead);
    case Format::F32:
      return multiply_rows(kF32Tiles, tile, activations, begin, end, output, ahead);
    case Format::Bf16:
      return;  // nobody packs for what the CPU has not
  }
}
template <const auto& Int8Tiles, const auto& Int4Tiles>
void multiply(const Panel& panel, const Activations& activations, std::size_t begin, std::size_t end,
              const Output& output) {
  multiply_tile<Int8Tiles, Int4Tiles>(panel, tile_of(panel), activations, begin, end, output);
}
#if HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_AVX2
void multiply_with_vnni(const Panel& panel, const Activations& activations, std::size_t begin, std::size_t end,
                        const Output& output) {
  Tile tile = tile_of(panel);
  tile.scales = scales_to_look_up(panel.weights, tile, end - begin);
  if (tile.scales != nullptr) {
    multiply_tile<kInt8VnniTiles<true>, kInt4VnniTiles<true>>(panel, tile, activations, begin, end, output);
  } else {
    multiply_tile<kInt8VnniTiles<false>, kInt4VnniTiles<false>>(panel, tile, activations, begin, end, output);
  }
}
#endif
#if GGML_PACKED_IS_NEON
constexpr auto multiply_with_matrices = multiply<kInt8MatrixTiles, kInt4MatrixTiles>;
#endif
#endif

#if GGML_PACKED_ADDS_BF16
#if HWY_ARCH_X86
constexpr auto multiply_other_formats = base::multiply_with_vnni;
#else
constexpr auto multiply_other_formats = base::multiply_with_matrices;
#endif

template <std::size_t Rows>
HWY_NOINLINE void multiply_bf16(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  Floats sums[Rows][kVectors];
  sum_pair_products<Rows>(reinterpret_cast<const float*>(tile.panel), (tile.columns + 1) / 2,
                          reinterpret_cast<const float*>(a.bf16 + row * a.stride), a.stride / 2, sums);
  store_tile<Rows>(sums, tile, row, output);
}
constexpr auto kBf16Tiles = by_rows<kFloatRows>([]<std::size_t Rows> { return multiply_bf16<Rows>; });

void multiply_with_bf16(const Panel& panel, const Activations& activations, std::size_t begin, std::size_t end,
                        const Output& output) {
  if (panel.weights.format() != Format::Bf16) return multiply_other_formats(panel, activations, begin, end, output);
  multiply_rows(kBf16Tiles, tile_of(panel), activations, begin, end, output, {panel.next, panel.weights.panel_bytes()});
}

#if HWY_ARCH_X86
// Weights of 16 bits in tile registers, others as above.
void multiply_in_tiles(const Panel& panel, const Activations& activations, std::size_t begin, std::size_t end,
                       const Output& output) {
  if (panel.weights.format() != Format::Bf16) return multiply_with_bf16(panel, activations, begin, end, output);
  multiply_bf16_by_amx(tile_of(panel), activations, begin, end, output, {panel.next, panel.weights.panel_bytes()});
}
#endif
#endif

#if HWY_TARGET == HWY_AVX2
bool has_avx_vnni() { return __builtin_cpu_supports("avxvnni") != 0; }
#endif

[[maybe_unused]] bool always() { return true; }

constexpr Kernels with(const char* name, Int8Sign sign, bool (*is_here)(), decltype(Kernels::multiply) multiply,
                       bool has_tiles = false, std::uint32_t int8_group = 4) {
  return {.name = name,
          .target = HWY_TARGET,
          .is_here = is_here,
          .panel_rows = kPanelRows,
          .int8_sign = sign,
          .int8_group = int8_group,
          .has_bf16 = GGML_PACKED_ADDS_BF16 != 0,
          .has_tiles = has_tiles,
          .quantize =
              sign == Int8Sign::PlusTo128 ? base::quantize<base::Mantissas::Few> : base::quantize<base::Mantissas::Any>,
          .to_bf16 = to_bf16,
          .multiply = multiply};
}

}  // namespace

// The levels that run on this target, the best one first.
constexpr std::array kLevels = {
#if HWY_TARGET == HWY_AVX3_ZEN4
    with("amx-bf16", Int8Sign::PlusTo128, has_tile_registers, multiply_in_tiles, true),
    with("avx512-bf16", Int8Sign::PlusTo128, always, multiply_with_bf16),
#elif HWY_TARGET == HWY_AVX3_DL
    with("avx512-vnni", Int8Sign::PlusTo128, always, multiply_with_vnni),
#elif HWY_TARGET == HWY_AVX2
    with("avx-vnni", Int8Sign::PlusTo128, has_avx_vnni, multiply_with_vnni),
    with("avx2", Int8Sign::SignedWithSums, always, multiply<kInt8PairTiles, kInt4PairTiles>),
#elif HWY_TARGET == HWY_NEON_BF16
    with("neon-bf16", Int8Sign::Signed, has_matrix_products, multiply_with_bf16, false, base::kMatrixColumns),
#elif GGML_PACKED_IS_NEON
    with("neon-i8mm", Int8Sign::Signed, has_matrix_products, multiply_with_matrices, false, kMatrixColumns),
    with("neon-dotprod", Int8Sign::Signed, has_dot_products, multiply<kInt8DotTiles, kInt4DotTiles>),
    with("neon", Int8Sign::SignedWithSums, always, multiply<kInt8PairTiles, kInt4PairTiles>),
#else
    with("other", Int8Sign::SignedWithSums, always, multiply<kInt8PairTiles, kInt4PairTiles>),
#endif
};

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
