#include "ops/elementwise.h"

#include "ops/activation.h"
#include "plugin/tensor.h"

namespace ggml_packed {
namespace {

constexpr std::size_t kRowsOfPart = 16;

// A number for each row, where a row is longer than that.
bool has_row_numbers(const ggml_tensor& node) {
  const ggml_tensor &a = *node.src[0], &b = *node.src[1];
  return a.ne[0] > 1 && b.ne[0] == 1 && b.ne[1] == a.ne[1] && b.ne[2] == a.ne[2] && b.ne[3] == a.ne[3];
}

bool is_sum_or_product(const ggml_tensor& node) {
  const ggml_tensor &a = *node.src[0], &b = *node.src[1];
  if (has_row_numbers(node)) {
    return is_dense_f32(a) && is_dense_f32(b) && is_dense_f32(node) && can_write_over(node, a) && !overlap(node, b);
  }
  const bool fits = (has_f32_rows(b) && ggml_are_same_shape(&a, &b)) || is_f32_vector(b, a.ne[0]);
  return fits && has_f32_rows(a) && is_dense_f32(node) && can_write_over(node, a) && can_write_over(node, b);
}

// One value in, one out.
bool is_map(const ggml_tensor& node) {
  return is_dense_f32(*node.src[0]) && is_dense_f32(node) && can_write_over(node, *node.src[0]);
}

// The gate and what it gates: two tensors, or the halves of a row; op_params[1] says which half comes first.
struct Halves {
  const float *gate, *up;
  std::size_t stride;  // floats from row to row
};
Halves halves_of(const ggml_tensor& node) {
  const ggml_tensor& a = *node.src[0];
  const auto width = static_cast<std::size_t>(node.ne[0]);
  if (node.src[1] != nullptr) return {.gate = floats(a), .up = floats(*node.src[1]), .stride = width};
  const bool swapped = node.op_params[1] != 0;
  return {.gate = floats(a) + (swapped ? width : 0), .up = floats(a) + (swapped ? 0 : width), .stride = 2 * width};
}

bool is_gate(const ggml_tensor& node) {
  const ggml_tensor &a = *node.src[0], *b = node.src[1];
  if (!activation_of(node) || !is_dense_f32(node) || !is_dense_f32(a)) return false;
  if (b == nullptr) return !overlap(node, a);
  return is_dense_f32(*b) && can_write_over(node, a) && can_write_over(node, *b);
}

}  // namespace

bool is_elementwise(const ggml_tensor& node) {
  switch (node.op) {
    case GGML_OP_ADD:
    case GGML_OP_MUL:
      return is_sum_or_product(node);
    case GGML_OP_SCALE:
      return is_map(node);
    case GGML_OP_UNARY:
      return activation_of(node) && is_map(node);
    case GGML_OP_GLU:
      return is_gate(node);
    default:
      return false;
  }
}

void compute_elementwise(const ggml_tensor& node, const RowKernels& rows, ThreadTeam& team) {
  const auto width = static_cast<std::size_t>(node.ne[0]);
  const auto count = static_cast<std::size_t>(ggml_nrows(&node));
  float* out = floats(node);
  if (node.op == GGML_OP_GLU) {
    const Halves halves = halves_of(node);
    const Activation activation = *activation_of(node);
    team.for_ranges(count, kRowsOfPart, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        rows.gated(activation, halves.gate + i * halves.stride, halves.up + i * halves.stride, width, out + i * width);
      }
    });
    return;
  }
  if (node.op == GGML_OP_UNARY) {
    const float* x = floats(*node.src[0]);
    const Activation activation = *activation_of(node);
    team.for_ranges(count, kRowsOfPart, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) rows.activate(activation, x + i * width, width, out + i * width);
    });
    return;
  }
  const bool adds = node.op == GGML_OP_ADD, scales = node.op == GGML_OP_SCALE;
  if (scales || has_row_numbers(node)) {
    const float *x = floats(*node.src[0]), *numbers = scales ? nullptr : floats(*node.src[1]);
    // op_params of SCALE: the factor, and what is added after it.
    const float factor = scales ? float_parameter(node, 0) : 1, offset = scales ? float_parameter(node, 1) : 0;
    team.for_ranges(count, kRowsOfPart, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        const float of_row = numbers != nullptr ? numbers[i] : 0;
        const bool multiplies = numbers != nullptr && !adds;
        rows.scale(x + i * width, width, multiplies ? of_row : factor, adds ? of_row : offset, out + i * width);
      }
    });
    return;
  }
  const auto combine = adds ? rows.add : rows.multiply;
  const ggml_tensor &a = *node.src[0], &b = *node.src[1];
  const bool has_rows = ggml_are_same_shape(&a, &b);
  team.for_ranges(count, kRowsOfPart, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      combine(f32_row(a, i), has_rows ? f32_row(b, i) : floats(b), width, out + i * width);
    }
  });
}

}  // namespace ggml_packed
