// Turn a text into the tokens that a model sees, cut to its maximum length.
//
// A text far longer than the maximum is not tokenized whole: a prefix with at least twice as many tokens as are kept
// decides them.
// Threads  any number at once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "llama-core/error.h"
#include "llama-core/model.h"

namespace llama::internal {

struct TokenizedText {
  std::vector<Token> tokens;
  bool truncated = false;
};

class TextTokenizer {
 public:
  TextTokenizer(std::shared_ptr<const Model> model, SpecialTokens special, std::size_t max_length, bool append_eos);

  // Errors   InvalidText for a text without tokens.
  [[nodiscard]] Result<TokenizedText> operator()(std::string_view text) const;

 private:
  std::shared_ptr<const Model> model_;
  SpecialTokens special_;
  std::size_t max_length_;
  std::optional<Token> appended_;  // EOS, where the model's tokenizer forgets it
  std::optional<Token> closing_;   // kept when a text is cut
};

}  // namespace llama::internal
