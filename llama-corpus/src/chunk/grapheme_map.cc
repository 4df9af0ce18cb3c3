#include "grapheme_map.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "break_iterator.h"

namespace llama::internal {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

Result<GraphemeMap> GraphemeMap::make(std::string_view text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    return fail(ErrorCode::InvalidText, "the text is longer than 2 GiB");
  auto clusters = BreakIterator::make(UBRK_CHARACTER);
  if (!clusters) return std::unexpected(std::move(clusters.error()));
  GraphemeMap made;
  made.bits_.assign(text.size() / 64 + 1, 0);
  const auto set = [&](std::size_t at) { made.bits_[at / 64] |= std::uint64_t{1} << (at % 64); };
  set(0);
  set(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (is_ascii(text[at])) {
      if (at > 0 && is_ascii(text[at - 1]) && !(text[at] == '\n' && text[at - 1] == '\r')) set(at);
      ++at;
      continue;
    }
    // A stretch with the ASCII characters on its sides: theirs are the boundaries that it shares with what is ASCII.
    std::size_t end = at;
    while (end < text.size() && !is_ascii(text[end])) ++end;
    const std::size_t begin = at == 0 ? 0 : at - 1;
    if (!clusters->set_text(text.substr(begin, std::min(end + 1, text.size()) - begin)))
      return fail(ErrorCode::Internal, "ICU finds no boundaries in a text");
    for (std::size_t boundary = 0; clusters->next(boundary);)
      if (begin + boundary <= end) set(begin + boundary);
    at = end;
  }
  return made;
}

std::size_t GraphemeMap::last_before(std::size_t at, std::size_t from) const {
  for (std::size_t word = at / 64; word + 1 > from / 64; --word) {
    std::uint64_t bits = bits_[word];
    if (word == at / 64) bits &= ~std::uint64_t{0} >> (63 - at % 64);
    if (bits != 0) return std::max(word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(bits)), from);
    if (word == 0) break;
  }
  return from;
}

std::size_t GraphemeMap::first_after(std::size_t at, std::size_t until) const {
  for (std::size_t word = at / 64; word <= until / 64; ++word) {
    std::uint64_t bits = bits_[word];
    if (word == at / 64) bits &= ~std::uint64_t{0} << (at % 64);
    if (bits != 0) return std::min(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)), until);
  }
  return until;
}

}  // namespace llama::internal
