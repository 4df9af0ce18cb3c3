// Attention of a block of queries over a packed text, and of a lone query over the memory as it is.
//
// Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_ATTENTION_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_ATTENTION_INL_H
#undef GGML_PACKED_ATTENTION_INL_H
#else
#define GGML_PACKED_ATTENTION_INL_H
#endif

#include "kernels/amx_attention-inl.h"
#include "kernels/attention_kernels.h"
#include "kernels/attention_tiles-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

template <Precision P>
constexpr auto kScore = by_rows<kFloatRows>([]<std::size_t Count> { return score<P, Count>; });
template <Precision P>
constexpr auto kMix = by_rows<kFloatRows>([]<std::size_t Count> { return mix<P, Count>; });

// Scores and sums of values in vector registers, as many queries at once as there are sums in them.
template <Precision P>
struct VectorProducts {
  static constexpr Precision kPrecision = P;
  static constexpr std::size_t kMaxRows = kFloatRows;
  static std::size_t rows_of(std::size_t left) { return rows_of_tile<kFloatRows>(left); }
  void score(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length) const {
    kScore<P>[rows.count - 1](text, block, rows, length);
  }
  void mix(const PackedText& text, const QueryBlock& block, const Rows& rows, std::size_t length,
           const float* inverse_sums) const {
    kMix<P>[rows.count - 1](text, block, rows, length, inverse_sums);
  }
};

// Attention of `count` queries, as many as there are sums in registers: all of their scores, then each query's weights,
// then the sums of values. Positions that none of them sees are left out by whole panels; within those that are left a
// query's weight is 0 where it sees nothing. Scores of 12 queries over 2,000 positions take 96 kB: they stay in the
// cache of a core. Costs 2 * count * (end - begin) * (key_width + value_width) operations.
template <class Products>
void attend_rows(Products& products, const PackedText& text, const QueryBlock& block, std::size_t first,
                 std::size_t count) {
  std::size_t begin = text.positions, end = 0;
  for (std::size_t m = 0; m < count; ++m) {
    begin = std::min(begin, static_cast<std::size_t>(block.visible[first + m].begin));
    end = std::max(end, static_cast<std::size_t>(block.visible[first + m].end));
  }
  begin = begin / kPanelRows * kPanelRows;
  const std::size_t length = panels(end - begin) * kPanelRows;
  const Rows rows{.first = first, .count = count, .begin = begin, .end = end};
#if GGML_PACKED_ADDS_BF16
  constexpr bool kRounds = Products::kPrecision == Precision::Bf16;
  if (kRounds) round_queries(block, first, count, text.key_width);
#endif
  products.score(text, block, rows, length);
  const float scale = block.cap > 0 ? 1 : block.scale;  // that the scores still lack
  float inverse_sums[Products::kMaxRows];
  for (std::size_t m = 0; m < count; ++m) {
    const std::size_t seen = static_cast<std::size_t>(block.visible[first + m].begin) - begin;
    const std::size_t seen_end = static_cast<std::size_t>(block.visible[first + m].end) - begin;
    float* scores = block.scores + m * length;
    if (block.cap > 0) base::cap_scores(scores, seen, seen_end, block.scale, block.cap);
    if (block.bias != nullptr) {
      base::add_bias(scores, block.bias + (first + m) * block.bias_stride + begin, seen, seen_end, block.slope / scale);
    }
    inverse_sums[m] = base::softmax(scores, seen, seen_end, length, scale);
#if GGML_PACKED_ADDS_BF16
    if (kRounds) to_bf16(scores, length, reinterpret_cast<std::uint16_t*>(scores));
#endif
  }
  products.mix(text, block, rows, length, inverse_sums);
}

template <class Products>
void attend_with(const PackedText& text, const QueryBlock& block) {
  Products products;
  for (std::size_t row = 0; row < block.rows;) {
    const std::size_t count = Products::rows_of(block.rows - row);
    attend_rows(products, text, block, row, count);
    row += count;
  }
}

#if GGML_PACKED_ADDS_BF16
void pack(const std::uint16_t* keys, std::size_t key_stride, const std::uint16_t* values, std::size_t value_stride,
          const PackedText& text) {
  const bool rounds = text.precision == Precision::Bf16;
  return (rounds ? pack_as<Precision::Bf16> : base::pack)(keys, key_stride, values, value_stride, text);
}
void attend(const PackedText& text, const QueryBlock& block) {
  return (text.precision == Precision::Bf16 ? attend_with<VectorProducts<Precision::Bf16>> : base::attend)(text, block);
}
#if HWY_ARCH_X86
void attend_in_tiles(const PackedText& text, const QueryBlock& block) {
  return (text.precision == Precision::Bf16 ? attend_with<AmxAttention> : base::attend)(text, block);
}
#endif
#else
constexpr auto pack = pack_as<Precision::F32>;
constexpr auto attend = attend_with<VectorProducts<Precision::F32>>;
#endif

#if !GGML_PACKED_ADDS_BF16
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

#endif

}  // namespace

constexpr AttentionKernels kAttention = {
    .target = HWY_TARGET,
    .has_bf16 = GGML_PACKED_ADDS_BF16 != 0,
    .max_rows = kFloatRows,
    .pack = pack,
    .attend = attend,
    .attend_alone = base::attend_alone,
};

#if HWY_ARCH_X86 && HWY_NATIVE_DOT_BF16
// Where a level has tile registers. Scratch is for its rows, or for those of float32.
constexpr AttentionKernels kAttentionInTiles = {
    .target = HWY_TARGET,
    .has_bf16 = true,
    .max_rows = std::max(kFloatRows, AmxAttention::kMaxRows),
    .pack = pack,
    .attend = attend_in_tiles,
    .attend_alone = base::attend_alone,
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
