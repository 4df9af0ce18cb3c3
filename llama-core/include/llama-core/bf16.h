// Write a model anew with its quantized weights in BF16.
//
// On a CPU with BF16 instructions ggml's own kernels multiply BF16 faster than Q8_0. What Q8_0 holds survives with 8
// bits of mantissa; the file is about twice as large. What is not quantized (norms, biases) stays as it is.
#pragma once

#include <filesystem>
#include <span>
#include <stop_token>

#include "llama-base/error.h"

namespace llama {

// Does ggml multiply BF16 with instructions for it here?
[[nodiscard]] bool multiplies_bf16();

// files   of one model, in order; the output is one file, which is there only when this returns without an error.
// Errors   InvalidModel, NoSpace, Io, Cancelled.
// Requires files whose headers have been checked (llama-loader, gguf_header.h).
// Cost     reads all weights and writes twice their size: seconds per GB; 16 MB of memory per thread.
// Threads  any; `threads` of its own (0: default_threads()).
[[nodiscard]] Result<void> write_as_bf16(std::span<const std::filesystem::path> files,
                                         const std::filesystem::path& output, int threads, const std::stop_token& stop);

}  // namespace llama
