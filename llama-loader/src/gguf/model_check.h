// Decide from the headers of a model's files whether llama.cpp may open them.
#pragma once

#include <filesystem>
#include <span>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

// headers[i] is that of files[i], in order: a model of its own (check_is_model), whole (split_set.h), and with numbers
// and weights that llama.cpp does not abort on (model_facts.h, weight_types.h).
// Errors   InvalidModel: one line with the file's name.
[[nodiscard]] Result<void> check_model(std::span<const GgufHeader> headers,
                                       std::span<const std::filesystem::path> files);

}  // namespace llama::internal
