#include "format/weight_format.h"

#include <ggml-backend.h>

#include "format/blocks_of_4_bits.h"

namespace ggml_packed {

std::optional<Format> format_for(enum ggml_type type, const Kernels& kernels) {
  switch (type) {
    case GGML_TYPE_Q8_0:
      return Format::Int8;
    case GGML_TYPE_F16:
    case GGML_TYPE_BF16:
      return kernels.has_bf16 ? Format::Bf16 : Format::F32;
    case GGML_TYPE_F32:
      return Format::F32;
    default:
      if (has_blocks_of_4_bits(type)) return Format::Int4;
      return ggml_is_quantized(type) && ggml_get_type_traits(type)->to_float != nullptr ? std::optional(Format::Int8)
                                                                                        : std::nullopt;
  }
}

bool is_weight_in_host_memory(const ggml_tensor& tensor) {
  const bool changes = (tensor.flags & GGML_TENSOR_FLAG_PARAM) != 0;  // it is trained
  return tensor.op == GGML_OP_NONE && !changes && tensor.buffer != nullptr &&
         ggml_backend_buffer_get_usage(tensor.buffer) == GGML_BACKEND_BUFFER_USAGE_WEIGHTS &&
         ggml_backend_buffer_is_host(tensor.buffer);
}

bool can_be_packed(const ggml_tensor& weights, const Kernels& kernels) {
  if (!is_weight_in_host_memory(weights) || !ggml_is_contiguous(&weights)) return false;
  const auto format = format_for(weights.type, kernels);
  const bool has_blocks = format == Format::Int8 || format == Format::Int4;
  return format && (!has_blocks || weights.ne[0] % static_cast<std::int64_t>(kBlock) == 0);
}

bool is_packed_without_growing(enum ggml_type type) {
  return type == GGML_TYPE_Q8_0 || has_blocks_of_4_bits(type) || !ggml_is_quantized(type);
}

}  // namespace ggml_packed
