// Into which format weights are packed.
//
// Threads  pure functions.
#pragma once

#include <ggml.h>

#include <optional>

#include "kernels/kernels.h"

namespace ggml_packed {

// Nothing for a type that we cannot read.
[[nodiscard]] std::optional<Format> format_for(enum ggml_type type, const Kernels& kernels);

// How the kernels of a level want weights of that format.
[[nodiscard]] inline Layout layout_for(Format format, const Kernels& kernels) {
  return {.format = format,
          .panel_rows = kernels.panel_rows,
          .int8_sign = kernels.int8_sign,
          .int8_group = kernels.int8_group};
}

[[nodiscard]] bool is_weight_in_host_memory(const ggml_tensor& tensor);

// A model's weights in host memory, of a type and a shape that we pack? A matrix, or one for each expert.
[[nodiscard]] bool can_be_packed(const ggml_tensor& weights, const Kernels& kernels);

// Are weights about as large packed as in their file? For a single token, which mostly waits for weights, others are
// not worth it.
[[nodiscard]] bool is_packed_without_growing(enum ggml_type type);

}  // namespace ggml_packed
