// What attention consists of: packing a text's keys and values, scores, sums of weighted values.
//
// Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_ATTENTION_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_ATTENTION_TILES_INL_H
#undef GGML_PACKED_ATTENTION_TILES_INL_H
#else
#define GGML_PACKED_ATTENTION_TILES_INL_H
#endif

#include "kernels/attention_kernels.h"
#include "kernels/scores-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t panels(std::size_t count) { return (count + kPanelRows - 1) / kPanelRows; }

// Sixteen numbers of one row as they stand in a panel: floats, or half as many pairs. Returns how many.
template <Precision P>
HWY_INLINE std::size_t store_units(Floats values, std::size_t count, float* to) {
  const F f;
  if constexpr (P == Precision::F32) {
    hn::Store(values, f, to);
  } else {
    const hn::Rebind<hwy::bfloat16_t, F> b;
    hn::Store(hn::DemoteTo(b, values), b, reinterpret_cast<hwy::bfloat16_t*>(to));
  }
  return steps(P, count);
}

// A step of a panel of values: a position's row, or two with the numbers of a column side by side.
template <Precision P>
HWY_INLINE void store_step(Floats first, Floats second, float* to) {
  const F f;
  if constexpr (P == Precision::F32) {
    hn::Store(first, f, to);
  } else {
    const hn::Rebind<std::uint32_t, F> u;
    const hn::Rebind<std::uint16_t, F> u16;
    const hn::Rebind<hwy::bfloat16_t, F> b;
    const auto bits = [&](Floats x) HWY_ATTR { return hn::PromoteTo(u, hn::BitCast(u16, hn::DemoteTo(b, x))); };
    hn::Store(hn::BitCast(f, hn::Or(bits(first), hn::ShiftLeft<16>(bits(second)))), f, to);
  }
}

template <Precision P>
void pack_as(const std::uint16_t* keys, std::size_t key_stride, const std::uint16_t* values, std::size_t value_stride,
             const PackedText& text) {
  const F f;
  constexpr std::size_t kOfStep = P == Precision::Bf16 ? 2 : 1;
  HWY_ALIGN float units[kLanes];
  for (std::size_t panel = 0; panel < panels(text.positions); ++panel) {
    float* out = text.keys + panel * kPanelRows * steps(P, text.key_width);
    for (std::size_t j = 0; j < kPanelRows; ++j) {
      const std::size_t position = panel * kPanelRows + j;
      for (std::size_t k = 0; k < text.key_width; k += kLanes) {
        const std::size_t count = std::min(kLanes, text.key_width - k);
        const Floats key = position < text.positions ? from_f16(keys + position * key_stride + k, count) : hn::Zero(f);
        const std::size_t stored = store_units<P>(key, count, units);
        for (std::size_t i = 0; i < stored; ++i) out[(k / kOfStep + i) * kPanelRows + j] = units[i];
      }
    }
  }
  for (std::size_t panel = 0; panel < panels(text.value_width); ++panel) {
    float* out = text.values + panel * kPanelRows * steps(P, text.positions);
    for (std::size_t position = 0; position < text.positions; position += kOfStep, out += kPanelRows) {
      for (std::size_t v = 0; v < kVectors; ++v) {
        const std::size_t column = panel * kPanelRows + v * kLanes;
        const auto row = [&](std::size_t at) HWY_ATTR {
          if (column >= text.value_width || at >= text.positions) return hn::Zero(f);
          return from_f16(values + at * value_stride + column, text.value_width - column);
        };
        store_step<P>(row(position), kOfStep == 2 ? row(position + 1) : hn::Zero(f), out + v * kLanes);
      }
    }
  }
}

#if GGML_PACKED_ADDS_BF16
void round_queries(const QueryBlock& block, std::size_t first, std::size_t count, std::size_t width) {
  for (std::size_t m = 0; m < count; ++m) {
    float* pairs = block.rounded + m * steps(Precision::Bf16, width);
    to_bf16(block.queries + (first + m) * block.stride, width, reinterpret_cast<std::uint16_t*>(pairs));
  }
}
#endif

template <Precision P, std::size_t Count>
HWY_INLINE void sum(const float* panel, std::size_t length, const float* x, std::size_t stride,
                    Floats (&sums)[Count][kVectors]) {
#if GGML_PACKED_ADDS_BF16
  if constexpr (P == Precision::Bf16) return sum_pair_products<Count>(panel, length, x, stride, sums);
#endif
  sum_products<Count>(panel, length, x, stride, sums);
}

struct Rows {
  std::size_t first, count;  // of the block's queries
  std::size_t begin, end;    // of the positions that any of them sees; begin is that of a panel
};

// Scores of some queries from position `begin` on; their rows lie `length` floats apart.
template <Precision P, std::size_t Count>
HWY_NOINLINE void score(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length) {
  const F f;
  const std::size_t first_panel = rows.begin / kPanelRows, terms = steps(P, text.key_width);
  const bool rounded = P == Precision::Bf16;
  const float* queries = rounded ? block.rounded : block.queries + rows.first * block.stride;
  const std::size_t stride = rounded ? terms : block.stride;
  for (std::size_t panel = first_panel; panel < panels(rows.end); ++panel) {
    Floats sums[Count][kVectors];
    sum<P, Count>(text.keys + panel * kPanelRows * terms, terms, queries, stride, sums);
    float* out = block.scores + (panel - first_panel) * kPanelRows;
    unroll<Count>([&](std::size_t m) GGML_PACKED_INLINE {
      hn::Store(sums[m][0], f, out + m * length);
      hn::Store(sums[m][1], f, out + m * length + kLanes);
    });
  }
}

// Up to a panel's width of a query's result.
HWY_INLINE void store_mixed(Floats left, Floats right, float inverse_sum, std::size_t count, float* out) {
  const F f;
  const Floats scale = hn::Set(f, inverse_sum);
  const Floats a = hn::Mul(left, scale), b = hn::Mul(right, scale);
  if (count >= kPanelRows) {
    hn::StoreU(a, f, out);
    hn::StoreU(b, f, out + kLanes);
  } else {
    hn::StoreN(a, f, out, std::min(count, kLanes));
    if (count > kLanes) hn::StoreN(b, f, out + kLanes, count - kLanes);
  }
}

template <Precision P, std::size_t Count>
HWY_NOINLINE void mix(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length,
                      const float* inverse_sums) {
  for (std::size_t panel = 0; panel < panels(text.value_width); ++panel) {
    Floats sums[Count][kVectors];
    const float* values = text.values + (panel * steps(P, text.positions) + steps(P, rows.begin)) * kPanelRows;
    sum<P, Count>(values, steps(P, rows.end - rows.begin), block.scores, length, sums);
    const std::size_t column = panel * kPanelRows;
    const std::size_t count = text.value_width - column;
    float* out = block.out + rows.first * block.out_stride + column;
    unroll<Count>([&](std::size_t m) GGML_PACKED_INLINE {
      store_mixed(sums[m][0], sums[m][1], inverse_sums[m], count, out + m * block.out_stride);
    });
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
