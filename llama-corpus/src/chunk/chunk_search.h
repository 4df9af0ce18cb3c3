// Find how much of a text fits into one chunk.
//
// How many tokens a part has, only the tokenizer knows, and asking costs the part's length. So a length is guessed
// from the bytes per token so far, counted, and bettered between the longest part known to fit and the shortest known
// not to, until the part fits and is nearly full. That counts two or three parts of a chunk's length where texts are
// alike, and rarely more than thirty; a chunk of few tokens and many bytes is reached by doubling. In all the cost is a
// few passes of the tokenizer over the text.
//
// A part that is counted begins and ends at a place to cut. What is handed out was counted as it is: tokenizers do not
// always give a shorter text fewer tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cut_places.h"
#include "llama-corpus/chunker.h"

namespace llama::internal {

struct Fit {
  std::size_t end = 0;  // the part's; where it begins: nothing fits
  std::int32_t tokens = 0;
};

class ChunkSearch {
 public:
  // overhead: the tokens of a part of no text, as far as that is known.
  ChunkSearch(std::string_view text, CutPlaces& places, std::int32_t max_tokens, std::int32_t overhead,
              const TokenCounter& count)
      : text_(text), places_(places), max_tokens_(max_tokens), overhead_(overhead), count_(count) {}

  // The part from `begin` on, nearly as long as fits. A cluster that does not fit alone is opened in `places`.
  // Errors   those of count(); InvalidArgument: no room for one character.
  [[nodiscard]] Result<Fit> longest(std::size_t begin);
  [[nodiscard]] Result<std::int32_t> count(std::size_t begin, std::size_t end) const {
    return count_(text_.substr(begin, end - begin));
  }

 private:
  struct Bracket;
  // The same, of the text up to `until`. to_the_limit: a longer part has to be known not to fit.
  [[nodiscard]] Result<Fit> search(std::size_t begin, std::size_t until, bool to_the_limit);
  [[nodiscard]] std::size_t next_guess(const Bracket& known) const;
  [[nodiscard]] bool is_good_enough(const Bracket& known, bool to_the_limit) const;
  [[nodiscard]] std::unexpected<Error> no_room(std::size_t begin) const;

  std::string_view text_;
  CutPlaces& places_;
  std::int32_t max_tokens_, overhead_;
  const TokenCounter& count_;
  std::size_t window_bytes_ = static_cast<std::size_t>(max_tokens_) * 4 + 16;  // of a full chunk, as they were so far
};

}  // namespace llama::internal
