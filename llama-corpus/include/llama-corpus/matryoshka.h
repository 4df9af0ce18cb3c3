// Say whether a model's vectors may be cut: whether it was trained so that their first dimensions alone carry meaning.
//
// Source   Kusupati et al., "Matryoshka Representation Learning", 2022; each family's model card, named beside it in
//          llama-corpus/src/prompt/matryoshka.cc. vLLM refuses the cut for all other models likewise.
#pragma once

#include <cstdint>

#include "llama-base/error.h"
#include "llama-corpus/prompt.h"

namespace llama {

// Errors   InvalidArgument: `wanted` is not below `dimension` or is fewer than the family was trained for; the model is
//          not known to be trained so (force: allowed all the same).
[[nodiscard]] Result<void> check_matryoshka(const ModelNames& names, std::int32_t dimension, std::int32_t wanted,
                                            bool force);

}  // namespace llama
