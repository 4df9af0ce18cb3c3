// Check that the files of a model belong together, from their headers alone.
#pragma once

#include <filesystem>
#include <span>

#include "llama-loader/gguf_header.h"

namespace llama::internal {

// headers[i] is that of files[i]; one of each for a model that is not split.
//
// A split model's files say "part i of n" in their metadata and in their names, all lie in one folder under one name,
// and their tensors, none of which stands twice, add up to what the first part announces. That part may have none.
// Errors   InvalidModel, naming the file.
// Source   llama-model-loader.cpp; the keys' types there: u16, u16, i32. llama.cpp aborts on others.
[[nodiscard]] Result<void> check_split_set(std::span<const GgufHeader> headers,
                                           std::span<const std::filesystem::path> files);

}  // namespace llama::internal
