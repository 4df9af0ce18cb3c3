// Turn a query and texts into the tokens that a reranker sees, each pair cut to its maximum length.
//
// Both come from outside: a special token in them ("</s>") is read as plain text. The query is never cut, the text is.
// Words around them that the GGUF brings (its template) are cut into tokens together with them, as the published
// program does: the space before a query is a part of its first token.
// Threads  any number at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"
#include "pair_format.h"
#include "text_tokenizer.h"

namespace llama::internal {

struct TokenizedPair {
  std::vector<Token> tokens;
  std::size_t second = 0;  // where the text's begin; with a template 0
  bool truncated = false;
};

class PairTokenizer {
 public:
  // max_length   tokens of a pair, special ones included.
  // Errors   InvalidModel (a vocabulary that no text can be read with, a template without its places).
  [[nodiscard]] static Result<PairTokenizer> create(const std::shared_ptr<const Model>& model, PairFormat format,
                                                    std::size_t max_length);

  // Shape    pair i belongs to texts[i].
  // Errors   InvalidText: the query leaves no room for a text, or cannot be read. A text's own error is its pair's.
  // Requires valid UTF-8 of the query; a text that is not is an error of its own.
  [[nodiscard]] Result<std::vector<Result<TokenizedPair>>> operator()(std::string_view query,
                                                                      std::span<const std::string> texts) const;

 private:
  // A template between its special tokens, and each of those.
  struct Piece {
    std::string words;
    std::optional<Token> token{};
  };
  PairTokenizer(TextTokenizer tokenizer, std::size_t max_length)
      : tokenizer_(std::move(tokenizer)), max_length_(max_length) {}
  [[nodiscard]] Result<void> use_separators(const Model& model, PairFormat format);
  [[nodiscard]] Result<void> use_template(const Model& model);
  [[nodiscard]] Result<std::vector<Token>> render(std::span<const Piece> pieces, std::string_view query) const;
  // `before` and the text are in front of and behind what stays whole.
  [[nodiscard]] Result<TokenizedPair> separated(std::span<const Token> before, std::string_view text) const;
  [[nodiscard]] Result<TokenizedPair> rendered(std::span<const Token> before, std::string_view query,
                                               std::span<const Token> after, std::string_view text) const;

  TextTokenizer tokenizer_;
  std::size_t max_length_;
  std::vector<Token> opening_, separator_, closing_;  // of a pair without a template
  std::vector<Piece> before_, after_;                 // of a template: around the piece with the text
  std::string words_before_, words_after_;            // around the text in that piece
  bool has_template_ = false;
};

}  // namespace llama::internal
