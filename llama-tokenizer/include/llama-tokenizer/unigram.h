// Turn text into Unigram tokens exactly as the `tokenizers` library does for XLM-R's kind of models: multilingual-e5,
// bge-m3, Arctic-embed 2, gte-multilingual, jina v3, T5's encoders.
//
// A text goes through five steps. (1) Added tokens ("<mask>") are found in it and taken out. (2) What lies between is
// normalized by a map that the model brings along: roughly NFKC, but a cluster of six bytes or more is not composed (か
// and a separate voicing mark, the jamo of a syllable). (3) It is cut at white space, and each word gets a U+2581 in
// front; a U+2581 inside begins a new word. (4) A word is cut into the pieces whose scores add up to the most; a
// character that is no piece has the lowest score of all and 10 less. (5) Unknown characters in a row are one token.
// Cost     linear in the text, also for one word of 100 MB (times the bytes of the longest piece at worst); memory for
//          what is not decided yet, a few hundred bytes in text of any language, 5 bytes per byte at worst.
// Threads  immutable: any number at once.
// Source   the tokenizers library 0.23: normalizers/precompiled.rs, pre_tokenizers/whitespace.rs (WhitespaceSplit) and
//          metaspace.rs, models/unigram/model.rs, tokenizer/added_vocabulary.rs; put together as in transformers 5,
//          models/xlm_roberta/tokenization_xlm_roberta.py and models/t5/tokenization_t5.py.
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

struct UnigramOptions {
  Token unknown = 3;           // <unk>
  bool space_prefix = true;    // a U+2581 in front of each word
  bool byte_fallback = false;  // unknown characters become the tokens of their bytes, where the vocabulary has all 256
};

class UnigramTokenizer {
 public:
  // vocabulary   entry i is token i. Control, unknown and user-defined tokens are taken from the text as it is. Of
  //              equal entries the last counts; unused ones and those that are not UTF-8 never match.
  // charsmap     sentencepiece's precompiled map of characters, as GGUF files have it.
  // Errors       InvalidModel: an empty vocabulary, an unknown token outside it, a score that is no number, a piece of
  //              more than 1,024 bytes; a map that is cut short or points outside itself.
  [[nodiscard]] static Result<UnigramTokenizer> create(std::span<const VocabularyEntry> vocabulary,
                                                       std::span<const unsigned char> charsmap,
                                                       const UnigramOptions& options);
  ~UnigramTokenizer();
  UnigramTokenizer(UnigramTokenizer&&) noexcept;
  UnigramTokenizer& operator=(UnigramTokenizer&&) noexcept;

  // The tokens in `opening` (<s>) and then the text's own; stops once there are `enough`, and may return more.
  //
  // With SpecialTokens::Text control tokens are spelled by pieces, user-defined ones are still taken out.
  // Requires valid UTF-8; of anything else the invalid bytes are left out.
  [[nodiscard]] std::vector<Token> tokenize(std::string_view text, SpecialTokens special,
                                            std::size_t enough = std::numeric_limits<std::size_t>::max(),
                                            std::span<const Token> opening = {}) const;

 private:
  struct State;
  explicit UnigramTokenizer(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace llama
