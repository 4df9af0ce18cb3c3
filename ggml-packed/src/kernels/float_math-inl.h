// Activation functions on vectors. Included once per target: no include guard of the usual kind.
#include <hwy/highway.h>

#if defined(GGML_PACKED_FLOAT_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GGML_PACKED_FLOAT_MATH_INL_H
#undef GGML_PACKED_FLOAT_MATH_INL_H
#else
#define GGML_PACKED_FLOAT_MATH_INL_H
#endif

#include "kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace ggml_packed {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLog2OfE = 1.44269504F;

// 2^x for x from -126 to 127, to which others are brought; the relative error is below 2.2e-7.
//
// A polynomial for 2^f on [-1/2, 1/2], fitted for the smallest relative error; 2^n is added to its exponent.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp2(D d, V x) {
  const hn::Rebind<std::int32_t, D> i;
  x = hn::Min(hn::Max(x, hn::Set(d, -126.0F)), hn::Set(d, 127.0F));
  const V whole = hn::Round(x), f = hn::Sub(x, whole);
  V p = hn::Set(d, 0.0013276466634F);
  for (const float c : {0.0096755409613F, 0.0555071346462F, 0.2402212023735F, 0.6931469440460F, 1.0000001192093F}) {
    p = hn::MulAdd(p, f, hn::Set(d, c));
  }
  return hn::BitCast(d, hn::Add(hn::BitCast(i, p), hn::ShiftLeft<23>(hn::ConvertTo(i, whole))));
}

// x / (1 + exp(-slope)).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gate(D d, V x, V slope) {
  return hn::Div(x, hn::Add(hn::Set(d, 1.0F), exp2(d, hn::Mul(slope, hn::Set(d, -kLog2OfE)))));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V silu(D d, V x) {
  return gate(d, x, x);
}

// The form with tanh, which ggml has: x / (1 + exp(-2u)), u = sqrt(2 / pi) (x + 0.044715 x^3).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu(D d, V x) {
  const V inner = hn::Mul(x, hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715F), hn::Set(d, 1.0F)));
  return gate(d, x, hn::Mul(inner, hn::Set(d, 2.0F * 0.7978845608F)));
}

// 1 - erf(x) for x from 0 on, with an error below 1.5e-7.
//
// Source   Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erfc(D d, V x) {
  const V t = hn::Div(hn::Set(d, 1.0F), hn::MulAdd(x, hn::Set(d, 0.3275911F), hn::Set(d, 1.0F)));
  V sum = hn::Set(d, 1.061405429F);
  for (const float c : {-1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F})
    sum = hn::MulAdd(sum, t, hn::Set(d, c));
  return hn::Mul(hn::Mul(sum, t), exp2(d, hn::Mul(hn::Mul(x, x), hn::Set(d, -kLog2OfE))));
}

// x (1 + erf(x / sqrt(2))) / 2; far out on the left it is 0, not a small difference.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu_erf(D d, V x) {
  const V rest = hn::Mul(hn::Mul(x, hn::Set(d, 0.5F)), erfc(d, hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118F))));
  return hn::IfNegativeThenElse(x, rest, hn::Sub(x, rest));
}

// With a relative error below 1e-6; of NaN it is NaN.
//
// Far from 0 it is 1 - 2 / (1 + exp(2x)). Near it that difference has no digits left: there an odd polynomial, fitted
// on [-0.6, 0.6] for the smallest relative error, 8.4e-8.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh(D d, V x) {
  const V size = hn::Abs(x), square = hn::Mul(x, x), one = hn::Set(d, 1.0F);
  V p = hn::Set(d, 0.0156126121F);
  for (const float c : {-0.0522117918F, 0.133131163F, -0.333325975F}) p = hn::MulAdd(p, square, hn::Set(d, c));
  const V near = hn::MulAdd(hn::Mul(p, square), size, size);
  const V power = exp2(d, hn::Mul(size, hn::Set(d, 2 * kLog2OfE)));
  const V far = hn::Sub(one, hn::Div(hn::Set(d, 2.0F), hn::Add(one, power)));
  return hn::CopySign(hn::IfThenElse(hn::Ge(size, hn::Set(d, 0.6F)), far, near), x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V activate(D d, Activation activation, V x) {
  switch (activation) {
    case Activation::None:
      break;
    case Activation::Gelu:
      return gelu(d, x);
    case Activation::GeluErf:
      return gelu_erf(d, x);
    case Activation::Silu:
      return silu(d, x);
    case Activation::Relu:
      return hn::Max(x, hn::Zero(d));
    case Activation::Tanh:
      return tanh(d, x);
  }
  return x;
}

}  // namespace HWY_NAMESPACE
}  // namespace ggml_packed
HWY_AFTER_NAMESPACE();

#endif
