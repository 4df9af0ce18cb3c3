// Refuse tensors in a type that llama.cpp cannot compute with.
#pragma once

#include <filesystem>
#include <span>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

// llama.cpp loads weights of any type. Later its CPU back end crashes on a matrix of integers or of F64, and aborts on
// norms and biases that are not F32. Converters write neither; tables of integers (which expert for which token) are
// left alone.
[[nodiscard]] Result<void> check_weight_types(std::span<const GgufHeader> headers,
                                              std::span<const std::filesystem::path> files);

}  // namespace llama::internal
