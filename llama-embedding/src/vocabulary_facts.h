// What a GGUF tells about its tokenizer, by key or by the look of its vocabulary.
//
// Threads  any number at once.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "llama-core/model.h"

namespace llama::internal {

// None where the GGUF lacks the key.
[[nodiscard]] std::optional<bool> flag(const Model& model, std::string_view key);
[[nodiscard]] std::optional<Token> named_token(const Model& model, std::string_view key);

// [UNK]: the token that the GGUF names, else the one that is called so.
[[nodiscard]] std::optional<Token> unknown_token(const Model& model, const std::vector<VocabularyEntry>& vocabulary);

// No text in lower case ever reaches a piece with a capital letter, so a vocabulary with many of them is cased.
[[nodiscard]] bool has_capitals(const std::vector<VocabularyEntry>& vocabulary);

}  // namespace llama::internal
