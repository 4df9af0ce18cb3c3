#include <algorithm>
#include <array>
#include <utility>

#include "kernels/attention_kernels.h"
#include "kernels/tables.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/kernels_attention.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/float_math-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

constexpr std::size_t panels(std::size_t count) { return (count + kPanelRows - 1) / kPanelRows; }

HWY_INLINE Floats from_f16(const std::uint16_t* at, std::size_t count) {
  const hn::Rebind<hwy::float16_t, F> h;
  const auto* halves = reinterpret_cast<const hwy::float16_t*>(at);
  return hn::PromoteTo(F(), count >= kLanes ? hn::LoadU(h, halves) : hn::LoadN(h, halves, count));
}

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

void pack(const std::uint16_t* keys, std::size_t key_stride, const std::uint16_t* values, std::size_t value_stride,
          const PackedText& text) {
#if HWY_NATIVE_DOT_BF16
  if (text.precision == Precision::Bf16) return pack_as<Precision::Bf16>(keys, key_stride, values, value_stride, text);
#endif
  pack_as<Precision::F32>(keys, key_stride, values, value_stride, text);
}

// Scores to weights: exp(scale * score - most) in [begin, end), 0 elsewhere up to `length`. Returns 1 / their sum.
float softmax(float* scores, std::size_t begin, std::size_t end, std::size_t length, float scale) {
  const F f;
  scale *= kLog2OfE;
  const std::size_t first = begin / kLanes * kLanes;
  const auto is_whole = [&](std::size_t i) { return i >= begin && i + kLanes <= end; };
  const auto inside = [&](std::size_t i) HWY_ATTR {
    const auto before_end = hn::FirstN(f, std::min(end - i, kLanes));
    return i < begin ? hn::AndNot(hn::FirstN(f, begin - i), before_end) : before_end;
  };
  Floats most = hn::Set(f, -3e38F);
  for (std::size_t i = first; i < end; i += kLanes) {
    const Floats score = hn::Load(f, scores + i);
    most = is_whole(i) ? hn::Max(most, score) : hn::Max(most, hn::IfThenElse(inside(i), score, most));
  }
  const Floats shift = hn::Set(f, hn::ReduceMax(f, most) * scale), factor = hn::Set(f, scale);
  Floats sum = hn::Zero(f);
  std::size_t i = 0;
  for (; i < first; i += kLanes) hn::Store(hn::Zero(f), f, scores + i);
  for (; i < end; i += kLanes) {
    Floats weight = exp2(f, hn::MulSub(hn::Load(f, scores + i), factor, shift));
    if (!is_whole(i)) weight = hn::IfThenElseZero(inside(i), weight);
    sum = hn::Add(sum, weight);
    hn::Store(weight, f, scores + i);
  }
  for (; i < length; i += kLanes) hn::Store(hn::Zero(f), f, scores + i);
  return 1.0F / hn::ReduceSum(f, sum);
}

void round_queries(const QueryBlock& block, std::size_t first, std::size_t count, std::size_t width) {
  for (std::size_t m = 0; m < count; ++m) {
    float* pairs = block.rounded + m * steps(Precision::Bf16, width);
    to_bf16(block.queries + (first + m) * block.stride, width, reinterpret_cast<std::uint16_t*>(pairs));
  }
}

template <Precision P, std::size_t Count>
HWY_INLINE void sum(const float* panel, std::size_t length, const float* x, std::size_t stride,
                    Floats (&sums)[Count][kVectors]) {
#if HWY_NATIVE_DOT_BF16
  if constexpr (P == Precision::Bf16) return sum_pair_products<Count>(panel, length, x, stride, sums);
#endif
  sum_products<Count>(panel, length, x, stride, sums);
}

struct Rows {
  std::size_t first;
  std::size_t begin, end;  // of the positions that any of them sees; begin is that of a panel
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

template <Precision P, std::size_t Count>
HWY_NOINLINE void mix(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length,
                      const float* inverse_sums) {
  const F f;
  for (std::size_t panel = 0; panel < panels(text.value_width); ++panel) {
    Floats sums[Count][kVectors];
    const float* values = text.values + (panel * steps(P, text.positions) + steps(P, rows.begin)) * kPanelRows;
    sum<P, Count>(values, steps(P, rows.end - rows.begin), block.scores, length, sums);
    const std::size_t column = panel * kPanelRows;
    const std::size_t count = text.value_width - column;
    float* out = block.out + rows.first * block.out_stride + column;
    unroll<Count>([&](std::size_t m) GGML_PACKED_INLINE {
      const Floats scale = hn::Set(f, inverse_sums[m]);
      const Floats a = hn::Mul(sums[m][0], scale), b = hn::Mul(sums[m][1], scale);
      if (count >= kPanelRows) {
        hn::StoreU(a, f, out + m * block.out_stride);
        hn::StoreU(b, f, out + m * block.out_stride + kLanes);
      } else {
        hn::StoreN(a, f, out + m * block.out_stride, std::min(count, kLanes));
        if (count > kLanes) hn::StoreN(b, f, out + m * block.out_stride + kLanes, count - kLanes);
      }
    });
  }
}

// scores[i] + bias[i] * slope for i in [begin, end).
void add_bias(float* scores, const std::uint16_t* bias, std::size_t begin, std::size_t end, float slope) {
  const F f;
  const Floats slopes = hn::Set(f, slope);
  for (std::size_t i = begin; i < end; i += kLanes) {
    const std::size_t count = std::min(kLanes, end - i);
    hn::StoreN(hn::MulAdd(from_f16(bias + i, count), slopes, hn::LoadN(f, scores + i, count)), f, scores + i, count);
  }
}

// cap * tanh(scale * score / cap) in [begin, end) and in the rest of its vectors, which nobody reads. A pass of its own
// over scores in the cache: without a cap nothing is paid.
void cap_scores(float* scores, std::size_t begin, std::size_t end, float scale, float cap) {
  const F f;
  const Floats factor = hn::Set(f, scale / cap), caps = hn::Set(f, cap);
  for (std::size_t i = begin / kLanes * kLanes; i < end; i += kLanes) {
    hn::Store(hn::Mul(caps, tanh(f, hn::Mul(hn::Load(f, scores + i), factor))), f, scores + i);
  }
}

template <Precision P, std::size_t Count>
void attend_rows(const PackedText& text, const QueryBlock& block, std::size_t first) {
  std::size_t begin = text.positions, end = 0;
  for (std::size_t m = 0; m < Count; ++m) {
    begin = std::min(begin, static_cast<std::size_t>(block.visible[first + m].begin));
    end = std::max(end, static_cast<std::size_t>(block.visible[first + m].end));
  }
  begin = begin / kPanelRows * kPanelRows;
  const std::size_t length = panels(end - begin) * kPanelRows;
  const Rows rows{.first = first, .begin = begin, .end = end};
  if (P == Precision::Bf16) round_queries(block, first, Count, text.key_width);
  score<P, Count>(text, block, rows, length);
  const float scale = block.cap > 0 ? 1 : block.scale;  // that the scores still lack
  float inverse_sums[Count];
  for (std::size_t m = 0; m < Count; ++m) {
    const std::size_t seen = static_cast<std::size_t>(block.visible[first + m].begin) - begin;
    const std::size_t seen_end = static_cast<std::size_t>(block.visible[first + m].end) - begin;
    float* scores = block.scores + m * length;
    if (block.cap > 0) cap_scores(scores, seen, seen_end, block.scale, block.cap);
    if (block.bias != nullptr) {
      add_bias(scores, block.bias + (first + m) * block.bias_stride + begin, seen, seen_end, block.slope / scale);
    }
    inverse_sums[m] = softmax(scores, seen, seen_end, length, scale);
    if (P == Precision::Bf16) to_bf16(scores, length, reinterpret_cast<std::uint16_t*>(scores));
  }
  mix<P, Count>(text, block, rows, length, inverse_sums);
}

using AttendFunction = void (*)(const PackedText&, const QueryBlock&, std::size_t);
template <Precision P, std::size_t... Counts>
constexpr auto attend_functions(std::index_sequence<Counts...>) {
  return std::array<AttendFunction, sizeof...(Counts)>{attend_rows<P, Counts + 1>...};
}
constexpr auto kAttendF32 = attend_functions<Precision::F32>(std::make_index_sequence<kFloatRows>());
#if HWY_NATIVE_DOT_BF16
constexpr auto kAttendBf16 = attend_functions<Precision::Bf16>(std::make_index_sequence<kFloatRows>());
#endif

void attend(const PackedText& text, const QueryBlock& block) {
  const auto* functions = &kAttendF32;
#if HWY_NATIVE_DOT_BF16
  if (text.precision == Precision::Bf16) functions = &kAttendBf16;
#endif
  for (std::size_t row = 0; row < block.rows;) {
    const std::size_t left = block.rows - row;
    const std::size_t count = left <= kFloatRows ? left : left < 2 * kFloatRows ? (left + 1) / 2 : kFloatRows;
    (*functions)[count - 1](text, block, row);
    row += count;
  }
}

// Columns [column, column + Vectors * kLanes) of the mixed values.
template <std::size_t Vectors>
HWY_INLINE void mix_alone(const LoneQuery& q, std::size_t column, float scale, float* out) {
  const F f;
  Floats sums[Vectors];
  unroll<Vectors>([&](std::size_t v) GGML_PACKED_INLINE { sums[v] = hn::Zero(f); });
  const std::size_t width = q.value_width - column;
  for (std::size_t j = 0; j < q.count; ++j) {
    const std::uint16_t* row = q.values + static_cast<std::size_t>(q.positions[j]) * q.value_stride + column;
    const Floats weight = hn::Set(f, q.scores[j]);
    unroll<Vectors>([&](std::size_t v) GGML_PACKED_INLINE {
      sums[v] = hn::MulAdd(weight, from_f16(row + v * kLanes, Vectors == 1 ? width : kLanes), sums[v]);
    });
  }
  unroll<Vectors>([&](std::size_t v) GGML_PACKED_INLINE {
    const Floats value = hn::Mul(sums[v], hn::Set(f, scale));
    if (Vectors > 1 || width >= kLanes) {
      hn::StoreU(value, f, out + column + v * kLanes);
    } else {
      hn::StoreN(value, f, out + column, width);
    }
  });
}

void attend_alone(const LoneQuery& q) {
  const F f;
  for (std::size_t head = 0; head < q.heads; ++head) {
    const float* query = q.queries + head * q.query_stride;
    for (std::size_t j = 0; j < q.count; ++j) {
      const std::uint16_t* row = q.keys + static_cast<std::size_t>(q.positions[j]) * q.key_stride;
      Floats sum = hn::Zero(f), other = hn::Zero(f);
      std::size_t k = 0;
      for (; k + 2 * kLanes <= q.key_width; k += 2 * kLanes) {
        sum = hn::MulAdd(hn::LoadU(f, query + k), from_f16(row + k, kLanes), sum);
        other = hn::MulAdd(hn::LoadU(f, query + k + kLanes), from_f16(row + k + kLanes, kLanes), other);
      }
      for (; k < q.key_width; k += kLanes) {
        const std::size_t count = q.key_width - k;
        const Floats part = count >= kLanes ? hn::LoadU(f, query + k) : hn::LoadN(f, query + k, count);
        sum = hn::MulAdd(part, from_f16(row + k, count), sum);
      }
      q.scores[j] = hn::ReduceSum(f, hn::Add(sum, other));
    }
    const std::size_t length = (q.count + kLanes - 1) / kLanes * kLanes;
    if (q.cap > 0) cap_scores(q.scores, 0, q.count, q.scale, q.cap);
    const float inverse_sum = softmax(q.scores, 0, q.count, length, q.cap > 0 ? 1 : q.scale);
    float* out = q.out + head * q.value_width;
    std::size_t column = 0;
    for (; column + 4 * kLanes <= q.value_width; column += 4 * kLanes) mix_alone<4>(q, column, inverse_sum, out);
    for (; column < q.value_width; column += kLanes) mix_alone<1>(q, column, inverse_sum, out);
  }
}

}  // namespace

const AttentionKernels* attention_table() {
  static constexpr AttentionKernels kTable = {
      .target = HWY_TARGET,
      .has_bf16 = HWY_NATIVE_DOT_BF16 != 0,
      .most_rows = kFloatRows,
      .pack = pack,
      .attend = attend,
      .attend_alone = attend_alone,
  };
  return &kTable;
}

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ggml_packed {
namespace {

HWY_EXPORT(attention_table);

}  // namespace

const AttentionKernels& attention_kernels(const Kernels& level) {
  static const auto kAll = tables_of_this_cpu([] { return HWY_DYNAMIC_DISPATCH(attention_table)(); });
  return **std::ranges::find(kAll, level.target, &AttentionKernels::target);
}

}  // namespace ggml_packed
#endif
