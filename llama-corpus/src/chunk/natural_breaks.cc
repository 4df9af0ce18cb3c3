#include "natural_breaks.h"

#include <algorithm>

namespace llama::internal {
namespace {

constexpr std::size_t kBytesAhead = 64;  // what follows a place decides whether it is an end: "U.S. army", "3.5"

}  // namespace

Result<NaturalBreaks> NaturalBreaks::make(std::string_view text) {
  auto sentences = BreakIterator::make(UBRK_SENTENCE);
  if (!sentences) return std::unexpected(std::move(sentences.error()));
  auto lines = BreakIterator::make(UBRK_LINE);
  if (!lines) return std::unexpected(std::move(lines.error()));
  return NaturalBreaks(text, std::move(*sentences), std::move(*lines));
}

std::size_t NaturalBreaks::last(BreakIterator& breaks, std::size_t begin, std::size_t at) const {
  const std::size_t end = std::min(at + kBytesAhead, text_.size());
  if (!breaks.set_text(text_.substr(begin, end - begin))) return begin;
  return begin + breaks.last_before(at - begin);
}

}  // namespace llama::internal
