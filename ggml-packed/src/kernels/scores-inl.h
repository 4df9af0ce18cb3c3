// What happens to scores before they are weights: the soft cap, the bias, the softmax. Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_SCORES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_SCORES_INL_H
#undef GGML_PACKED_SCORES_INL_H
#else
#define GGML_PACKED_SCORES_INL_H
#endif

#include "kernels/float_math-inl.h"
#include "kernels/tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE Floats from_f16(const std::uint16_t* at, std::size_t count) {
  const hn::Rebind<hwy::float16_t, F> h;
  const auto* halves = reinterpret_cast<const hwy::float16_t*>(at);
  return hn::PromoteTo(F(), count >= kLanes ? hn::LoadU(h, halves) : hn::LoadN(h, halves, count));
}

#if !GGML_PACKED_ADDS_BF16
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

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
