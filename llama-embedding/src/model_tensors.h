// List the tensors of a model that is loaded: llama.cpp does not say what its files have.
#pragma once

#include <vector>

#include "llama-base/error.h"
#include "llama-loader/gguf_header.h"
#include "llama-loader/model_config.h"

namespace llama::internal {

// Of all parts of a split model.
//
// Cost     the files' headers are read once more.
[[nodiscard]] Result<std::vector<GgufTensor>> read_model_tensors(const LoadedModel& loaded);

}  // namespace llama::internal
