// Write a model anew with its weights in BF16.
//
// On a CPU with BF16 instructions ggml's own kernels multiply BF16 faster than Q8_0. What Q8_0 holds survives with 8
// bits of mantissa; the file is about twice as large.
#pragma once

#include <filesystem>

#include "llama-base/error.h"

namespace llama {

// Does ggml multiply BF16 with instructions for it here?
[[nodiscard]] bool multiplies_bf16();

// input    a model's file, of a split one the first; output: a new file, whole only when this returns without an error.
// Errors   InvalidModel (with llama.cpp's reason; a full disk as well).
// Cost     reads all weights and writes twice their size: seconds per GB.
// Threads  any.
[[nodiscard]] Result<void> write_as_bf16(const std::filesystem::path& input, const std::filesystem::path& output,
                                         int threads);

}  // namespace llama
