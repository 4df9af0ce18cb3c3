#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/block_products.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/kernels_matmul.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/finished_tiles-inl.h"
#include "kernels/pair_tiles-inl.h"
#include "kernels/tiles-inl.h"
#include "kernels/vnni_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

template <std::size_t Rows>
HWY_NOINLINE void multiply_f32(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  Floats sums[Rows][kVectors];
  sum_products<Rows>(reinterpret_cast<const float*>(tile.panel), tile.columns, a.f32 + row * a.stride, a.stride, sums);
  store_tile<Rows>(sums, tile, row, output);
}

#if HWY_NATIVE_DOT_BF16
template <std::size_t Rows>
HWY_NOINLINE void multiply_bf16(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  Floats sums[Rows][kVectors];
  sum_pair_products<Rows>(reinterpret_cast<const float*>(tile.panel), (tile.columns + 1) / 2,
                          reinterpret_cast<const float*>(a.bf16 + row * a.stride), a.stride / 2, sums);
  store_tile<Rows>(sums, tile, row, output);
}
#endif

using TileFunction = void (*)(const Tile&, const Activations&, std::size_t, const Output&);

// The full tile and those for the rows that are left over. `get`: the function for a number of rows.
template <std::size_t Most, class Get>
constexpr auto tiles(const Get& get) {
  return [&]<std::size_t... Counts>(std::index_sequence<Counts...>) {
    return std::array<TileFunction, Most>{get.template operator()<Counts + 1>()...};
  }(std::make_index_sequence<Most>());
}
constexpr auto kF32Tiles = tiles<kFloatRows>([]<std::size_t Rows> { return multiply_f32<Rows>; });
#if HWY_NATIVE_DOT_BF16
constexpr auto kBf16Tiles = tiles<kFloatRows>([]<std::size_t Rows> { return multiply_bf16<Rows>; });
#endif
#if HWY_TARGET > HWY_AVX3_DL
constexpr auto kInt8PairTiles = tiles<kPairRows>([]<std::size_t Rows> { return multiply_int8_by_pairs<Rows>; });
constexpr auto kInt4PairTiles = tiles<kPairRows>([]<std::size_t Rows> { return multiply_int4_by_pairs<Rows>; });
#endif
#if HWY_TARGET <= HWY_AVX3_DL || HWY_TARGET == HWY_AVX2
constexpr auto kInt8VnniTiles = tiles<kVnniRows>([]<std::size_t Rows> { return multiply_int8_by_fours<Rows>; });
constexpr auto kInt4VnniTiles = tiles<kVnniRows>([]<std::size_t Rows> { return multiply_int4_by_fours<Rows>; });
#endif

template <std::size_t Most>
void multiply_rows(const std::array<TileFunction, Most>& tiles, const Tile& tile, const Activations& a,
                   std::size_t begin, std::size_t end, const Output& output) {
  // 13 rows are 7 and 6, not 12 and 1: a tile with few rows waits for its own sums.
  for (std::size_t row = begin; row < end;) {
    const std::size_t left = end - row;
    const std::size_t rows = left <= Most ? left : left < 2 * Most ? (left + 1) / 2 : Most;
    fetch_results(tile, row, rows, output);
    tiles[rows - 1](tile, a, row, output);
    row += rows;
  }
}

Tile tile_of(const PackedMatrix& weights, std::size_t panel) {
  const std::size_t first = panel * kPanelRows;
  return {.panel = weights.panel(panel),
          .columns = weights.columns(),
          .first = first,
          .count = std::min(kPanelRows, weights.rows() - first)};
}

template <const auto& Int8Tiles, const auto& Int4Tiles>
void multiply(const PackedMatrix& weights, std::size_t panel, const Activations& activations, std::size_t begin,
              std::size_t end, const Output& output) {
  const Tile tile = tile_of(weights, panel);
  switch (weights.format()) {
    case Format::Int8:
      return multiply_rows(Int8Tiles, tile, activations, begin, end, output);
    case Format::Int4:
      return multiply_rows(Int4Tiles, tile, activations, begin, end, output);
    case Format::F32:
      return multiply_rows(kF32Tiles, tile, activations, begin, end, output);
    case Format::Bf16:
#if HWY_NATIVE_DOT_BF16
      return multiply_rows(kBf16Tiles, tile, activations, begin, end, output);
#else
      return;  // nobody packs for what the CPU has not
#endif
  }
}

#if HWY_NATIVE_DOT_BF16
// Weights of 16 bits by oneDNN, others as above.
void multiply_by_blocks(const PackedMatrix& weights, std::size_t panel, const Activations& activations,
                        std::size_t begin, std::size_t end, const Output& output) {
  static_assert(kPanelRows == BlockProducts::kWidth);
  const auto multiply_others = multiply<kInt8VnniTiles, kInt4VnniTiles>;
  if (weights.format() != Format::Bf16) return multiply_others(weights, panel, activations, begin, end, output);
  const Tile tile = tile_of(weights, panel);
  HWY_ALIGN float sums[BlockProducts::kMostRows * kPanelRows];
  BlockProducts products;
  for (std::size_t row = begin; row < end;) {
    const std::size_t rows = BlockProducts::rows_of(end - row), stride = activations.stride;
    fetch_results(tile, row, rows, output);
    if (!products.multiply(activations.bf16 + row * stride, stride, rows, (tile.columns + 1) / 2 * 2, tile.panel,
                           sums)) {
      return multiply_others(weights, panel, activations, row, end, output);
    }
    finish(sums, rows, tile, row, output);
    row += rows;
  }
}
#endif

// Source   ggml's quantize_row_q8_0: the largest magnitude of 32 becomes 127. Our scale stays float32.
void quantize(const float* values, std::size_t count, std::int8_t* quants, BlockScale* scales) {
  const F f;
  const I i;
  const hn::Rebind<std::int8_t, F> i8;
  constexpr std::size_t kParts = kBlock / kLanes;
  for (std::size_t block = 0; block < count / kBlock; ++block, values += kBlock, quants += kBlock) {
    Floats x[kParts];
    Floats most = hn::Zero(f);
    for (std::size_t p = 0; p < kParts; ++p) {
      x[p] = hn::LoadU(f, values + p * kLanes);
      most = hn::Max(most, hn::Abs(x[p]));
    }
    const float largest = hn::ReduceMax(f, most);
    const Floats inverse = hn::Set(f, largest > 0 ? 127.0F / largest : 0.0F);
    Ints sum = hn::Zero(i);
    for (std::size_t p = 0; p < kParts; ++p) {
      const Ints q = hn::NearestInt(hn::Mul(x[p], inverse));
      sum = hn::Add(sum, q);
      hn::StoreU(hn::DemoteTo(i8, q), i8, quants + p * kLanes);
    }
    const std::int32_t total = hn::ReduceSum(i, sum);
    const float scale = largest / 127.0F;
    scales[block] = {.scale = scale, .correction = -128 * total, .sum = scale * static_cast<float>(total)};
  }
}

#if HWY_TARGET == HWY_AVX2
bool has_avx_vnni() { return __builtin_cpu_supports("avxvnni") != 0; }
#endif

constexpr Kernels with(
    const char* name, Int8Sign sign, bool (*is_here)(), decltype(Kernels::multiply) multiply,
    bool (*widens)() = [] { return false; }) {
  return {.name = name,
          .target = HWY_TARGET,
          .is_here = is_here,
          .panel_rows = kPanelRows,
          .int8_sign = sign,
          .has_bf16 = HWY_NATIVE_DOT_BF16 != 0,
          .widens = widens,
          .quantize = quantize,
          .to_bf16 = to_bf16,
          .multiply = multiply};
}

}  // namespace

// The levels that run on this target of Highway's, the best one first.
std::span<const Kernels> table() {
  static constexpr auto kAlways = [] { return true; };
#if HWY_NATIVE_DOT_BF16
  static constexpr std::array kTable = {
      with("avx512-bf16", Int8Sign::PlusTo128, kAlways, multiply<kInt8VnniTiles, kInt4VnniTiles>),
      with("onednn", Int8Sign::PlusTo128, BlockProducts::are_here, multiply_by_blocks, BlockProducts::have_tiles)};
#elif HWY_TARGET <= HWY_AVX3_DL
  static constexpr std::array kTable = {
      with("avx512-vnni", Int8Sign::PlusTo128, kAlways, multiply<kInt8VnniTiles, kInt4VnniTiles>)};
#elif HWY_TARGET == HWY_AVX2
  static constexpr std::array kTable = {
      with("avx-vnni", Int8Sign::PlusTo128, has_avx_vnni, multiply<kInt8VnniTiles, kInt4VnniTiles>),
      with("avx2", Int8Sign::Signed, kAlways, multiply<kInt8PairTiles, kInt4PairTiles>)};
#else
  static constexpr std::array kTable = {
      with("other", Int8Sign::Signed, kAlways, multiply<kInt8PairTiles, kInt4PairTiles>)};
#endif
  return kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ggml_packed {
namespace {

HWY_EXPORT(table);

// The levels of this CPU up to the one that GGML_PACKED_LEVEL names, the best one first.
std::vector<const Kernels*> levels() {
  std::vector<const Kernels*> all;
  for (const auto& table : tables_of_this_cpu([] { return HWY_DYNAMIC_DISPATCH(table)(); })) {
    for (const Kernels& one : table) {
      if (one.is_here()) all.push_back(&one);
    }
  }
  const char* most = std::getenv("GGML_PACKED_LEVEL");
  if (most == nullptr || *most == '\0') return all;
  return {std::ranges::find(all, std::string_view(most), &Kernels::name), all.end()};
}

}  // namespace

const Kernels* kernels(const char* level) {
  static const auto known = levels();
  const auto found =
      level == nullptr ? known.begin() : std::ranges::find(known, std::string_view(level), &Kernels::name);
  return found == known.end() ? nullptr : *found;
}

}  // namespace ggml_packed
#endif
