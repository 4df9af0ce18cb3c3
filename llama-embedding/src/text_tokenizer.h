// Turn a text into the tokens that a model sees, cut to its maximum length.
//
// BERT's WordPiece, XLM-R's Unigram and byte pairs of whole characters are our own, because llama.cpp's differ from the
// published ones (Hangul, spacing marks, words over 100 characters; what is composed, ties; white space and unknown
// characters). Other kinds are llama.cpp's, after the normalization that
// the published tokenizer does and the GGUF does not tell. A text far longer than the maximum is not tokenized whole: a
// prefix with at least twice as many tokens as are kept decides them.
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
#include "llama-embedding/embedding_config.h"
#include "llama-embedding/embedding_model.h"
#include "llama-tokenizer/unigram.h"
#include "llama-tokenizer/word_bpe.h"
#include "llama-tokenizer/wordpiece.h"

namespace llama::internal {

struct TextTokenizerOptions {
  SpecialTokens special = SpecialTokens::Parse;
  TokenizerChoice choice = TokenizerChoice::Published;
  std::size_t max_length = 512;  // tokens, special ones included
  bool append_eos = false;       // because the model's own tokenizer forgets it
};

class TextTokenizer {
 public:
  // Errors   InvalidModel (a vocabulary that no text can be read with).
  [[nodiscard]] static Result<TextTokenizer> create(std::shared_ptr<const Model> model,
                                                    const TextTokenizerOptions& options);

  // Errors   InvalidText for a text without tokens.
  [[nodiscard]] Result<TokenizedText> operator()(std::string_view text) const;
  // The tokens of a part of a text, with nothing around them: the first `enough` at least; all where there are fewer.
  [[nodiscard]] Result<std::vector<Token>> part(std::string_view text, std::size_t enough) const;
  // How many tokens the text has before it is cut.
  [[nodiscard]] Result<std::size_t> count(std::string_view text) const;

  [[nodiscard]] const std::string& description() const { return description_; }
  [[nodiscard]] const std::string& warning() const { return warning_; }  // or ""

 private:
  TextTokenizer(std::shared_ptr<const Model> model, const TextTokenizerOptions& options);
  [[nodiscard]] Result<void> use_wordpiece();
  [[nodiscard]] Result<void> use_unigram(std::span<const unsigned char> charsmap);
  [[nodiscard]] Result<void> use_word_bpe();
  [[nodiscard]] Result<void> find_opening(std::size_t vocabulary_size);
  // The first `enough` tokens at least, special ones included; all where there are fewer.
  [[nodiscard]] Result<std::vector<Token>> tokens_of(std::string_view text, std::size_t enough) const;
  [[nodiscard]] Result<std::vector<Token>> by_llama_cpp(std::string_view text, std::size_t enough) const;
  // Of the whole text, or of a beginning that surely has twice `enough` tokens.
  template <class Tokenize>
  [[nodiscard]] static Result<std::vector<Token>> of_beginning(std::string_view text, std::size_t enough,
                                                               const Tokenize& tokenize);
  [[nodiscard]] Result<void> find_ordinary_tokens();
  [[nodiscard]] Result<std::vector<Token>> by_parts(std::string_view text) const;
  // With one of our own.
  template <class Tokenizer>
  [[nodiscard]] std::vector<Token> by_own(const Tokenizer& tokenizer, std::string_view text, std::size_t enough) const;

  std::shared_ptr<const Model> model_;
  TextTokenizerOptions options_;
  std::optional<Token> appended_;  // EOS, where the model's tokenizer forgets it
  std::optional<Token> closing_;   // kept when a text is cut
  std::vector<Token> opening_;     // [CLS], <s>; for our own
  std::optional<WordPieceTokenizer> wordpiece_;
  std::optional<UnigramTokenizer> unigram_;
  std::optional<WordBpeTokenizer> word_bpe_;
  bool compose_ = false;  // NFC before llama.cpp
  std::string ordinary_;  // a token that llama.cpp takes for a special one and the file does not; or ""
  std::vector<std::pair<std::string, Token>> special_;  // where there is such a one: the others
  std::string description_;
  std::string warning_;
};

}  // namespace llama::internal
