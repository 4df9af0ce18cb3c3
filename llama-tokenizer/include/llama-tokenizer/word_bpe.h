// Turn text into byte pairs of whole characters, exactly as the `tokenizers` library does for vocabularies whose
// pieces are written as they are ("你好"), not as bytes: jina-embeddings-v2-base-zh.
//
// A text goes through four steps. (1) Added tokens ("<mask>") are found in it and taken out. (2) What lies between
// becomes lower case, where the model says so. (3) It is cut at white space, which has no tokens. (4) A word begins as
// its characters, each a token or the unknown one; of all neighbours that may be merged, those with the lowest rank
// are, the leftmost first, until none are left.
//
// The published pre-tokenizer also cuts between letters and punctuation. No merge that was learned so crosses such a
// cut, so it needs no step.
// Cost     n log n in the length of a word, and some 50 bytes of memory for each of its characters.
// Threads  immutable: any number at once.
// Source   the tokenizers library 0.23: normalizers/utils.rs (Lowercase), pre_tokenizers/whitespace.rs,
//          models/bpe/model.rs and word.rs, tokenizer/added_vocabulary.rs; llama.cpp's pull request 18756 for what a
//          GGUF tells.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"

namespace llama {

struct WordBpeOptions {
  bool lowercase = false;
  Token unknown = 3;  // <unk>
};

class WordBpeTokenizer {
 public:
  // vocabulary   entry i is token i. Control and unknown tokens are taken from the text as it is, user-defined ones
  //              from the normalized text. Of equal entries the first counts; empty and unused ones never match.
  // merges       "left right", the lowest rank first; of equal ones the last counts.
  // Errors       InvalidModel: an empty vocabulary, an unknown token outside it; a merge of or into what is no piece.
  [[nodiscard]] static Result<WordBpeTokenizer> create(std::span<const VocabularyEntry> vocabulary,
                                                       std::span<const std::string> merges,
                                                       const WordBpeOptions& options);
  ~WordBpeTokenizer();
  WordBpeTokenizer(WordBpeTokenizer&&) noexcept;
  WordBpeTokenizer& operator=(WordBpeTokenizer&&) noexcept;

  // The tokens in `opening` (<s>) and then the text's own; stops once there are `enough`, and may return more.
  //
  // Requires valid UTF-8; of anything else the invalid bytes are left out.
  [[nodiscard]] std::vector<Token> tokenize(std::string_view text, SpecialTokens special,
                                            std::size_t enough = std::numeric_limits<std::size_t>::max(),
                                            std::span<const Token> opening = {}) const;

 private:
  struct State;
  explicit WordBpeTokenizer(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace llama
