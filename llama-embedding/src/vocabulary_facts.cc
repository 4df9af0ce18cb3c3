#include "vocabulary_facts.h"

#include <algorithm>
#include <cstddef>

namespace llama::internal {

std::optional<bool> flag(const Model& model, std::string_view key) {
  const std::string value = model.metadata(key);
  if (value.empty()) return std::nullopt;
  return value == "true";
}

std::optional<Token> named_token(const Model& model, std::string_view key) {
  const std::string value = model.metadata(key);
  if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos || value.size() >= 10) {
    return std::nullopt;
  }
  return static_cast<Token>(std::stol(value));
}

std::optional<Token> unknown_token(const Model& model, const std::vector<VocabularyEntry>& vocabulary) {
  if (const auto named = named_token(model, "tokenizer.ggml.unknown_token_id")) return named;
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const std::string& text = vocabulary[i].text;
    if (text == "[UNK]" || text == "\u2581[UNK]" || text == "<unk>") return static_cast<Token>(i);
  }
  return std::nullopt;
}

bool has_capitals(const std::vector<VocabularyEntry>& vocabulary) {
  const auto capital = [](const VocabularyEntry& entry) {
    return entry.kind == TokenKind::Normal && !entry.text.contains('[') && !entry.text.contains('<') &&
           std::ranges::any_of(entry.text, [](char c) { return c >= 'A' && c <= 'Z'; });
  };
  return static_cast<std::size_t>(std::ranges::count_if(vocabulary, capital)) * 50 > vocabulary.size();
}

}  // namespace llama::internal
