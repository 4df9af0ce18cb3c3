// Turn text into WordPiece tokens exactly as the `tokenizers` library does for BERT models.
//
// A text goes through five steps. (1) Added tokens ("[MASK]") are found in it and taken out. (2) What lies between is
// normalized: control characters go, white space becomes a space, ideographs get spaces around them; where accents are
// stripped, characters are decomposed (é → e and an accent, 한 → three jamo) and nonspacing marks go; letters become
// lower case. (3) It is cut at spaces and around punctuation into words. (4) A word of more than 100 characters is
// [UNK]. (5) A word is read from the left, each time the longest piece that the vocabulary has; where none fits, the
// whole word is [UNK].
// Cost     linear in the text, also for one word of 100 MB; one table probe per byte.
// Threads  immutable: any number at once.
// Source   the tokenizers library 0.23: normalizers/bert.rs, pre_tokenizers/bert.rs, models/wordpiece/mod.rs,
//          tokenizer/added_vocabulary.rs, and its answers for every code point (testing/token_parity.py characters
//          every).
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-core/model.h"

namespace llama {

struct WordPieceOptions {
  bool lowercase = true;
  bool strip_accents = true;
  Token unknown = 100;  // [UNK]
};

class WordPieceTokenizer {
 public:
  // vocabulary   entry i is token i, as GGUF files of BERT models write them: U+2581 before pieces that start a word,
  //              nothing before those that continue one. Control tokens are taken from the text as it is, user-defined
  //              ones from the normalized text. Of equal entries the first counts; empty and unused ones never match.
  // Errors       InvalidModel (an empty vocabulary, an unknown token outside it).
  [[nodiscard]] static Result<WordPieceTokenizer> create(std::span<const VocabularyEntry> vocabulary,
                                                         const WordPieceOptions& options);
  ~WordPieceTokenizer();
  WordPieceTokenizer(WordPieceTokenizer&&) noexcept;
  WordPieceTokenizer& operator=(WordPieceTokenizer&&) noexcept;

  // The tokens in `opening` ([CLS]) and then the text's own; stops once there are `enough`, and may return a few more.
  //
  // Requires valid UTF-8; of anything else the invalid bytes are left out.
  [[nodiscard]] std::vector<Token> tokenize(std::string_view text, SpecialTokens special,
                                            std::size_t enough = std::numeric_limits<std::size_t>::max(),
                                            std::span<const Token> opening = {}) const;

 private:
  struct State;
  explicit WordPieceTokenizer(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace llama
