// Name the ways to turn the vectors of a text's tokens into one vector.
//
// Source   llama.h, enum llama_pooling_type.
#pragma once

#include <optional>
#include <string_view>

namespace llama {

enum class Pooling {
  None,  // one vector per token
  Mean,  // their average
  Cls,   // the first token's
  Last,  // the last token's
  Rank,  // a reranker's score, no embedding
};

[[nodiscard]] std::string_view to_string(Pooling pooling);

// "none", "mean", "cls", "last" or "rank".
[[nodiscard]] std::optional<Pooling> parse_pooling(std::string_view name);

}  // namespace llama
