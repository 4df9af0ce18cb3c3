#include "ops/activation.h"

namespace ggml_packed {
namespace {

std::optional<Activation> of_unary(enum ggml_unary_op op) {
  switch (op) {
    case GGML_UNARY_OP_GELU:
      return Activation::Gelu;
    case GGML_UNARY_OP_GELU_ERF:
      return Activation::GeluErf;
    case GGML_UNARY_OP_SILU:
      return Activation::Silu;
    case GGML_UNARY_OP_RELU:
      return Activation::Relu;
    case GGML_UNARY_OP_TANH:
      return Activation::Tanh;
    default:
      return std::nullopt;
  }
}

std::optional<Activation> of_glu(enum ggml_glu_op op) {
  switch (op) {
    case GGML_GLU_OP_REGLU:
      return Activation::Relu;
    case GGML_GLU_OP_GEGLU:
      return Activation::Gelu;
    case GGML_GLU_OP_SWIGLU:
      return Activation::Silu;
    case GGML_GLU_OP_GEGLU_ERF:
      return Activation::GeluErf;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<Activation> activation_of(const ggml_tensor& node) {
  if (node.op == GGML_OP_UNARY) return of_unary(ggml_get_unary_op(&node));
  if (node.op == GGML_OP_GLU) return of_glu(ggml_get_glu_op(&node));
  return std::nullopt;
}

}  // namespace ggml_packed
