// Find where in a model's files a tensor lies: llama.cpp keeps the tensors and hands none out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "llama-base/error.h"

namespace llama::internal {

struct TensorPlace {
  std::filesystem::path file;
  std::uint64_t begin = 0, row_bytes = 0;
  std::size_t rows = 0, columns = 0;
  int type = 0;  // enum ggml_type
};

// files: one, or all parts of a split model. Nothing where none has it.
//
// Errors   InvalidModel: a file that cannot be read again.
// Cost     the files' headers are read once more: some tens of milliseconds.
[[nodiscard]] Result<std::optional<TensorPlace>> find_tensor(std::span<const std::filesystem::path> files,
                                                             const char* name);

}  // namespace llama::internal
