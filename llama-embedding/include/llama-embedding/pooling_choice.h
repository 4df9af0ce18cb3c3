// Decide how a model's token vectors become one vector.
#pragma once

#include <optional>
#include <string>

#include "llama-base/error.h"
#include "llama-core/pooling.h"

namespace llama {

struct PoolingFacts {
  std::optional<Pooling> asked;     // by the caller
  std::optional<Pooling> declared;  // by the GGUF
  bool is_encoder = false;
  std::string name;  // of the model and its file: may say that it embeds
  // A layer that gives pairs of texts a score, or sorts texts into classes: such files seldom say rank pooling.
  bool has_rank_head = false;
};

struct PoolingChoice {
  Pooling pooling;
  std::string warning;  // "" where the GGUF or the caller decided
};

// Errors   InvalidArgument (asked for none or rank), InvalidModel (a reranker), NoPooling (a generation model, as long
//          as nobody asks for one).
[[nodiscard]] Result<PoolingChoice> choose_pooling(const PoolingFacts& facts);

}  // namespace llama
