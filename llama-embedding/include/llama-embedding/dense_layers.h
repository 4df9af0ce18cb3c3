// Tell whether a model's file has the linear layers that its published form applies after pooling.
//
// sentence-transformers goes on after pooling with the `Dense` modules that a model's modules.json lists. llama.cpp
// applies the two of EmbeddingGemma where the GGUF has them; its converter leaves them out unless it is asked, and
// nothing else in the file tells. Without them the vectors are no longer those of the published model.
// Source   llama.cpp, build_dense_out; convert_hf_to_gguf.py, --sentence-transformers-dense-modules.
#pragma once

#include <span>
#include <string_view>

#include "llama-base/error.h"
#include "llama-loader/gguf_header.h"

namespace llama {

enum class DenseLayers {
  None,     // the published model has none, as far as its architecture tells
  Applied,  // in the file
  Missing,  // not in the file, though the published model has them
};

[[nodiscard]] std::string_view to_string(DenseLayers layers);  // "none", "applied", "missing"

// tensors   of all files of the model.
// Errors    InvalidModel: one layer without the other, or two of which the second does not take what the first gives:
//           llama.cpp aborts the process on these.
[[nodiscard]] Result<DenseLayers> find_dense_layers(std::string_view architecture, std::span<const GgufTensor> tensors);

}  // namespace llama
