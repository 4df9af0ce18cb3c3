// What a loaded model calls itself, to find what its publisher says of it.
#pragma once

#include "llama-corpus/prompt.h"
#include "llama-embedding/embedding_model.h"

namespace llama {

[[nodiscard]] ModelNames names_of(const EmbeddingModel& model);

}  // namespace llama
