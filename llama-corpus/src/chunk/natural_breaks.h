// Find where a sentence or a word ends, near where a chunk has to.
//
// Cost     the part's length.
// Source   ICU: sentences by Unicode Standard Annex 29, words by where a line may be broken (Annex 14; dictionaries for
//          Thai, Lao, Khmer and Burmese).
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "break_iterator.h"

namespace llama::internal {

class NaturalBreaks {
 public:
  [[nodiscard]] static Result<NaturalBreaks> make(std::string_view text);

  // The last one in (begin, at]; `begin` where there is none.
  [[nodiscard]] std::size_t sentence_end(std::size_t begin, std::size_t at) { return last(sentences_, begin, at); }
  [[nodiscard]] std::size_t word_end(std::size_t begin, std::size_t at) { return last(lines_, begin, at); }

 private:
  NaturalBreaks(std::string_view text, BreakIterator sentences, BreakIterator lines)
      : text_(text), sentences_(std::move(sentences)), lines_(std::move(lines)) {}
  [[nodiscard]] std::size_t last(BreakIterator& breaks, std::size_t begin, std::size_t at) const;

  std::string_view text_;
  BreakIterator sentences_, lines_;
};

}  // namespace llama::internal
