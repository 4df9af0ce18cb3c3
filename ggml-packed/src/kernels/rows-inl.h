// Loops over single rows. Included once per target.
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(GGML_PACKED_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_ROWS_INL_H
#undef GGML_PACKED_ROWS_INL_H
#else
#define GGML_PACKED_ROWS_INL_H
#endif

#include "kernels/float_math-inl.h"
#include "kernels/row_kernels.h"
#include "kernels/tiles-inl.h"

#if !GGML_PACKED_ADDS_BF16
HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {
namespace {

// body(i, count): whole vectors, then what is left.
template <class Body>
HWY_INLINE void for_vectors(std::size_t count, const Body& body) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, kLanes);
  if (i < count) body(i, count - i);
}
HWY_INLINE Floats load(const float* from, std::size_t count) {
  const F f;
  return count == kLanes ? hn::LoadU(f, from) : hn::LoadN(f, from, count);
}
HWY_INLINE void store(Floats value, float* to, std::size_t count) {
  const F f;
  if (count == kLanes) {
    hn::StoreU(value, f, to);
  } else {
    hn::StoreN(value, f, to, count);
  }
}

void rms_norm(const float* x, std::size_t count, float epsilon, const float* weights, float* out) {
  const F f;
  Floats squares = hn::Zero(f);
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats v = load(x + i, n);
    squares = hn::MulAdd(v, v, squares);
  });
  const float mean = hn::ReduceSum(f, squares) / static_cast<float>(count);
  const Floats scale = hn::Div(hn::Set(f, 1.0F), hn::Sqrt(hn::Set(f, mean + epsilon)));
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    Floats v = hn::Mul(load(x + i, n), scale);
    if (weights != nullptr) v = hn::Mul(v, load(weights + i, n));
    store(v, out + i, n);
  });
}

void layer_norm(const float* x, std::size_t count, float epsilon, const float* weights, const float* bias, float* out) {
  const F f;
  Floats sum = hn::Zero(f);
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR { sum = hn::Add(sum, load(x + i, n)); });
  const float mean = hn::ReduceSum(f, sum) / static_cast<float>(count);
  Floats squares = hn::Zero(f);
  const Floats means = hn::Set(f, mean);
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    Floats v = hn::Sub(load(x + i, n), means);
    if (n < kLanes) v = hn::IfThenElseZero(hn::FirstN(f, n), v);  // the places after the row are no values
    squares = hn::MulAdd(v, v, squares);
  });
  const float variance = hn::ReduceSum(f, squares) / static_cast<float>(count);
  const Floats scale = hn::Div(hn::Set(f, 1.0F), hn::Sqrt(hn::Set(f, variance + epsilon)));
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    Floats v = hn::Mul(hn::Sub(load(x + i, n), means), scale);
    if (weights != nullptr) v = hn::Mul(v, load(weights + i, n));
    if (bias != nullptr) v = hn::Add(v, load(bias + i, n));
    store(v, out + i, n);
  });
}

void rotate_halves(const float* x, std::size_t half, const float* cosines, const float* sines, float* out) {
  for_vectors(half, [&](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats a = load(x + i, n), b = load(x + half + i, n);
    const Floats c = load(cosines + i, n), s = load(sines + i, n);
    store(hn::NegMulAdd(b, s, hn::Mul(a, c)), out + i, n);
    store(hn::MulAdd(a, s, hn::Mul(b, c)), out + half + i, n);
  });
}

void rotate_pairs(const float* x, std::size_t half, const float* cosines, const float* sines, float* out) {
  const F f;
  std::size_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    Floats a, b;
    hn::LoadInterleaved2(f, x + 2 * i, a, b);
    const Floats c = hn::LoadU(f, cosines + i), s = hn::LoadU(f, sines + i);
    hn::StoreInterleaved2(hn::NegMulAdd(b, s, hn::Mul(a, c)), hn::MulAdd(a, s, hn::Mul(b, c)), f, out + 2 * i);
  }
  for (; i < half; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    out[2 * i] = a * cosines[i] - b * sines[i];
    out[2 * i + 1] = a * sines[i] + b * cosines[i];
  }
}

void to_f16(const float* x, std::size_t count, std::uint16_t* out) {
  const hn::Rebind<hwy::float16_t, F> h;
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    const auto v = hn::DemoteTo(h, load(x + i, n));
    auto* to = reinterpret_cast<hwy::float16_t*>(out + i);
    if (n == kLanes) {
      hn::StoreU(v, h, to);
    } else {
      hn::StoreN(v, h, to, n);
    }
  });
}

void from_f16(const std::uint16_t* x, std::size_t count, float* out) {
  const F f;
  const hn::Rebind<hwy::float16_t, F> h;
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    const auto* from = reinterpret_cast<const hwy::float16_t*>(x + i);
    store(hn::PromoteTo(f, n == kLanes ? hn::LoadU(h, from) : hn::LoadN(h, from, n)), out + i, n);
  });
}

void add(const float* a, const float* b, std::size_t count, float* out) {
  for_vectors(count, [&](std::size_t i, std::size_t n)
                         HWY_ATTR { store(hn::Add(load(a + i, n), load(b + i, n)), out + i, n); });
}

void multiply(const float* a, const float* b, std::size_t count, float* out) {
  for_vectors(count, [&](std::size_t i, std::size_t n)
                         HWY_ATTR { store(hn::Mul(load(a + i, n), load(b + i, n)), out + i, n); });
}

void scale(const float* x, std::size_t count, float factor, float offset, float* out) {
  const F f;
  const Floats factors = hn::Set(f, factor), offsets = hn::Set(f, offset);
  for_vectors(count, [&](std::size_t i, std::size_t n)
                         HWY_ATTR { store(hn::MulAdd(load(x + i, n), factors, offsets), out + i, n); });
}

void activate_row(Activation activation, const float* x, std::size_t count, float* out) {
  const F f;
  for_vectors(count, [&](std::size_t i, std::size_t n)
                         HWY_ATTR { store(activate(f, activation, load(x + i, n)), out + i, n); });
}

void gated(Activation activation, const float* gate, const float* up, std::size_t count, float* out) {
  const F f;
  for_vectors(count, [&](std::size_t i, std::size_t n) HWY_ATTR {
    store(hn::Mul(activate(f, activation, load(gate + i, n)), load(up + i, n)), out + i, n);
  });
}

}  // namespace

constexpr RowKernels kRows = {
    .target = HWY_TARGET,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .rotate_halves = rotate_halves,
    .rotate_pairs = rotate_pairs,
    .to_f16 = to_f16,
    .from_f16 = from_f16,
    .add = add,
    .multiply = multiply,
    .scale = scale,
    .activate = activate_row,
    .gated = gated,
};

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();
#endif

#endif
