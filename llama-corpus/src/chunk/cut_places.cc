#include "cut_places.h"

#include <algorithm>

namespace llama::internal {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

bool CutPlaces::has_short_cluster(std::size_t from, std::size_t bytes) const {
  const std::size_t limit = std::min(from + bytes, text_.size());
  return limit == text_.size() || clusters_.is_boundary(clusters_.first_after(from + 1, limit));
}

std::optional<std::size_t> CutPlaces::at_or_before(std::size_t at, std::size_t low) const {
  at = std::min(at, text_.size());
  if (at <= low) return std::nullopt;
  if (open_from_ < at && at < open_until_) {
    while (at > low && continues_character(text_[at])) --at;
    return at > low ? std::optional(at) : std::nullopt;
  }
  const std::size_t found = clusters_.last_before(at, std::max(low, open_until_ <= at ? open_until_ : 0));
  return found > low && clusters_.is_boundary(found) ? std::optional(found) : std::nullopt;
}

std::optional<std::size_t> CutPlaces::at_or_after(std::size_t at, std::size_t high) const {
  if (at >= high || at > text_.size()) return std::nullopt;
  if (open_from_ < at && at < open_until_) {
    while (at < text_.size() && continues_character(text_[at])) ++at;
  } else {
    at = clusters_.first_after(at, std::min(high, text_.size()));
    if (!clusters_.is_boundary(at)) return std::nullopt;
  }
  return at < high ? std::optional(at) : std::nullopt;
}

std::optional<std::size_t> CutPlaces::near(std::size_t wanted, std::size_t low, std::size_t high) const {
  if (low + 1 >= high) return std::nullopt;
  wanted = std::clamp(wanted, low + 1, high - 1);
  if (const auto before = at_or_before(wanted, low)) return before;
  return at_or_after(wanted + 1, high);
}

}  // namespace llama::internal
