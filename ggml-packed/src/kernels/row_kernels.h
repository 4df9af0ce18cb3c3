// Loops over single rows, compiled for each level of CPU: norms, rotation, conversion, scores of attention.
//
// Threads  pure functions of their arguments. An output of the input's type may be the input itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace ggml_packed {

struct RowKernels {
  std::int64_t target;  // as Kernels::target

  // x / sqrt(mean(x^2) + epsilon), times the weights where there are any.
  void (*rms_norm)(const float* x, std::size_t count, float epsilon, const float* weights, float* out);
  // (x - mean) / sqrt(variance + epsilon), times weights, plus bias where there are any.
  void (*layer_norm)(const float* x, std::size_t count, float epsilon, const float* weights, const float* bias,
                     float* out);
  // Turn the pairs (x[i], x[i + half]) by angles that come as cosines and sines.
  void (*rotate_halves)(const float* x, std::size_t half, const float* cosines, const float* sines, float* out);
  // The same for the pairs (x[2i], x[2i + 1]).
  void (*rotate_pairs)(const float* x, std::size_t half, const float* cosines, const float* sines, float* out);
  void (*to_f16)(const float* x, std::size_t count, std::uint16_t* out);
  void (*from_f16)(const std::uint16_t* x, std::size_t count, float* out);
  void (*add)(const float* a, const float* b, std::size_t count, float* out);
  void (*multiply)(const float* a, const float* b, std::size_t count, float* out);
  // x * factor + offset.
  void (*scale)(const float* x, std::size_t count, float factor, float offset, float* out);
  void (*activate)(Activation activation, const float* x, std::size_t count, float* out);
  // gate's activation, times up.
  void (*gated)(Activation activation, const float* gate, const float* up, std::size_t count, float* out);
};

[[nodiscard]] const RowKernels& row_kernels(const Kernels& level);

}  // namespace ggml_packed
