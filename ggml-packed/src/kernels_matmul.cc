#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels.h"
#include "tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels_matmul.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "float_math-inl.h"
#include "tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t kInt8Rows = HWY_MAX_BYTES == 64 ? 6 : 4;

HWY_INLINE std::int32_t four_bytes(const void* at) {
  std::int32_t four;
  std::memcpy(&four, at, 4);
  return four;
}

struct Tile {
  const std::byte* panel;
  std::size_t columns;  // of the weights: the length of the sums
  std::size_t first;    // column of the output
  std::size_t count;    // of the panel's rows that are the matrix's
};

// One vector of a row of results, finished and stored.
HWY_INLINE void store(Floats value, const Output& output, std::size_t row, std::size_t column, std::size_t count) {
  const F f;
  const Epilogue& e = output.epilogue;
  const auto load = [&](const float* from) HWY_ATTR { return count >= kLanes ? hn::LoadU(f, from) : hn::LoadN(f, from, count); };
  if (e.bias != nullptr) value = hn::Add(value, load(e.bias + column));
  value = activate(f, e.activation, value);
  if (e.factor != nullptr) {
    value = hn::Mul(value, activate(f, e.factor_activation, load(e.factor + row * e.factor_stride + column)));
  }
  if (e.addend != nullptr) value = hn::Add(value, load(e.addend + row * e.addend_stride + column));
  float* to = output.data + row * output.stride + column;
  if (count >= kLanes) {
    hn::StoreU(value, f, to);
  } else {
    hn::StoreN(value, f, to, count);
  }
}

HWY_NOINLINE void finish(const float* sums, std::size_t rows, const Tile& tile, std::size_t row, const Output& output) {
  const F f;
  for (std::size_t m = 0; m < rows; ++m, sums += kPanelRows) {
    for (std::size_t column = 0; column < tile.count; column += kLanes) {
      store(hn::Load(f, sums + column), output, row + m, tile.first + column, tile.count - column);
    }
  }
}

// The sums go through memory: an address taken of them would keep them out of the registers in the loops before.
template <std::size_t Rows>
HWY_INLINE void store_tile(const Floats (&sums)[Rows][kVectors], const Tile& tile, std::size_t row, const Output& output) {
  const F f;
  HWY_ALIGN float buffer[Rows * kPanelRows];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
    hn::Store(sums[m][0], f, buffer + m * kPanelRows);
    hn::Store(sums[m][1], f, buffer + m * kPanelRows + kLanes);
  });
  finish(buffer, Rows, tile, row, output);
}

template <std::size_t Rows>
HWY_NOINLINE void multiply_f32(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  Floats sums[Rows][kVectors];
  sum_products<Rows>(reinterpret_cast<const float*>(tile.panel), tile.columns, a.f32 + row * a.stride, a.stride, sums);
  store_tile<Rows>(sums, tile, row, output);
}

#if HWY_NATIVE_DOT_BF16
template <std::size_t Rows>
HWY_NOINLINE void multiply_bf16(const Tile& tile, const Activations& a, std::size_t row, const Output& output) {
  const F f;
  const hn::Repartition<hwy::bfloat16_t, F> b;
  const I i;
  Floats sums[Rows][kVectors];
  unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE { sums[m][0] = sums[m][1] = hn::Zero(f); });
  Floats unused = hn::Zero(f);
  const auto* w = reinterpret_cast<const hwy::bfloat16_t*>(tile.panel);
  const std::uint16_t* x = a.bf16 + row * a.stride;
  for (std::size_t k = 0; k < tile.columns; k += 2, w += kPanelRows * 2) {
    const auto w0 = hn::Load(b, w), w1 = hn::Load(b, w + kLanes * 2);
    unroll<Rows>([&](std::size_t m) GGML_PACKED_INLINE {
      const auto pair = hn::BitCast(b, hn::Set(i, four_bytes(x + m * a.stride + k)));
      sums[m][0] = hn::ReorderWidenMulAccumulate(f, pair, w0, sums[m][0], unused);
      sums[m][1] = hn::ReorderWidenMulAccumulate(f, pair, w1, sums[m][1], unused);
    });
  }
  store_tile<Rows>(sums, tile, row, output);
}
#endif

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

using TileFunction = void (*)(const Tile&, const Activations&, std::size_t, const Output&);

// The full tile and those for the rows that are left over.
template <std::size_t... Counts>
constexpr auto int8_tiles(std::index_sequence<Counts...>) {
  return std::array<TileFunction, sizeof...(Counts)>{multiply_int8<Counts + 1>...};
}
template <std::size_t... Counts>
constexpr auto int4_tiles(std::index_sequence<Counts...>) {
  return std::array<TileFunction, sizeof...(Counts)>{multiply_int4<Counts + 1>...};
}
template <std::size_t... Counts>
constexpr auto f32_tiles(std::index_sequence<Counts...>) {
  return std::array<TileFunction, sizeof...(Counts)>{multiply_f32<Counts + 1>...};
}
constexpr auto kInt8Tiles = int8_tiles(std::make_index_sequence<kInt8Rows>());
constexpr auto kInt4Tiles = int4_tiles(std::make_index_sequence<kInt8Rows>());
constexpr auto kF32Tiles = f32_tiles(std::make_index_sequence<kFloatRows>());
#if HWY_NATIVE_DOT_BF16
template <std::size_t... Counts>
constexpr auto bf16_tiles(std::index_sequence<Counts...>) {
  return std::array<TileFunction, sizeof...(Counts)>{multiply_bf16<Counts + 1>...};
}
constexpr auto kBf16Tiles = bf16_tiles(std::make_index_sequence<kFloatRows>());
#endif

template <std::size_t Most>
void multiply_rows(const std::array<TileFunction, Most>& tiles, const Tile& tile, const Activations& a, std::size_t begin,
                   std::size_t end, const Output& output) {
  // 13 rows are 7 and 6, not 12 and 1: a tile with few rows waits for its own sums.
  for (std::size_t row = begin; row < end;) {
    const std::size_t left = end - row;
    const std::size_t rows = left <= Most ? left : left < 2 * Most ? (left + 1) / 2 : Most;
    tiles[rows - 1](tile, a, row, output);
    row += rows;
  }
}

void multiply(const PackedMatrix& weights, std::size_t panel, const Activations& activations, std::size_t begin,
              std::size_t end, const Output& output) {
  const std::size_t first = panel * kPanelRows;
  const Tile tile{.panel = weights.panel(panel),
                  .columns = weights.columns(),
                  .first = first,
                  .count = std::min(kPanelRows, weights.rows() - first)};
  switch (weights.format()) {
    case Format::Int8:
      return multiply_rows(kInt8Tiles, tile, activations, begin, end, output);
    case Format::Int4:
      return multiply_rows(kInt4Tiles, tile, activations, begin, end, output);
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

void to_bf16(const float* values, std::size_t count, std::uint16_t* out) {
  const F f;
  const hn::Rebind<hwy::bfloat16_t, F> b;
  const hn::Rebind<std::uint16_t, F> u;
  std::size_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    hn::StoreU(hn::BitCast(u, hn::DemoteTo(b, hn::LoadU(f, values + k))), u, out + k);
  }
  if (k < count) {
    hn::StoreN(hn::BitCast(u, hn::DemoteTo(b, hn::LoadN(f, values + k, count - k))), u, out + k, count - k);
    k = count;
  }
  if (count % 2 != 0) out[count] = 0;
}

}  // namespace

const Kernels* table() {
  static constexpr Kernels kTable = {
      .name = HWY_TARGET == HWY_AVX2 ? "avx2" : HWY_NATIVE_DOT_BF16 ? "avx512-bf16" : "avx512-vnni",
      .panel_rows = kPanelRows,
      .int8_sign = HWY_TARGET <= HWY_AVX3_DL ? Int8Sign::PlusTo128 : Int8Sign::Signed,
      .has_bf16 = HWY_NATIVE_DOT_BF16 != 0,
      .quantize = quantize,
      .to_bf16 = to_bf16,
      .multiply = multiply,
  };
  return &kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ggml_packed {
namespace {

HWY_EXPORT(table);

}  // namespace

const Kernels* kernels(const char* level) {
  static const auto tables = tables_of_this_cpu([] { return HWY_DYNAMIC_DISPATCH(table)(); });
  for (const Kernels* table : tables) {
    if (level == nullptr || std::string_view(level) == table->name) return table;
  }
  return nullptr;
}

}  // namespace ggml_packed
#endif
