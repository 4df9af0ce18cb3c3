// Refuse metadata that llama.cpp aborts on where it should return an error.
#pragma once

#include <filesystem>
#include <span>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

// What is missing or of the wrong type is left to llama.cpp, which reports that well. A model's graph has conditions
// of its own in each of more than a hundred architectures; only those of common embedding models are here.
// Source   GGML_ASSERTs of llama-model.cpp, llama-vocab.cpp and models/*.cpp (llama.cpp 0.7.0), found by trying values.
[[nodiscard]] Result<void> check_model_facts(std::span<const GgufHeader> headers, const std::filesystem::path& file);

}  // namespace llama::internal
