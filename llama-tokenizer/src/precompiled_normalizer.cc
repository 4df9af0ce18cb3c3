#include "precompiled_normalizer.h"

namespace llama::internal {

// All but the last byte are the same for 64 characters in a row, so that the map is asked once whether it has anything
// for them; of the pages of 256 characters that it leaves alone only one is made for each kind.
ReplacementTable::ReplacementTable(Charsmap map) : map_(std::move(map)) {
  constexpr std::size_t kGroup = 64, kPageSize = 256, kNotMade = ~std::size_t{0};
  const TraitsTable& traits = TraitsTable::get();
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::vector<std::size_t> untouched(traits.page_count(), kNotMade);
  const auto touches = [&](char32_t first) {
    std::array<char, 4> bytes{};
    return map_.has_beginning(std::string_view(bytes.data(), encode(first, bytes.data()) - 1));
  };
  for (std::size_t page = 0; page < page_of_.size(); ++page) {
    const auto first = static_cast<char32_t>(page * kPageSize);
    bool touched = first == 0;
    for (char32_t group = first; group < first + kPageSize; group += kGroup) touched = touched || touches(group);
    std::size_t& same = untouched[traits.page_number(page)];
    if (!touched && same != kNotMade) {
      page_of_[page] = static_cast<std::uint16_t>(same);
      continue;
    }
    page_of_[page] = static_cast<std::uint16_t>(pages_.size());
    if (!touched) same = pages_.size();
    Page& made = pages_.emplace_back();
    for (std::size_t i = 0; i < kPageSize; ++i) {
      const char32_t c = first + static_cast<char32_t>(i);
      made[i] = traits[c].bits;
      if (!touched || (c >= 0xd800 && c < 0xe000)) continue;
      std::array<char, 4> bytes{};
      const auto found = map_.first_match(std::string_view(bytes.data(), encode(c, bytes.data())));
      if (!found) continue;
      const auto [at, is_new] = known.emplace(*found, static_cast<std::uint32_t>(replacements_.size()));
      if (is_new) replacements_.push_back(*found);
      made[i] |= at->second << 8;
    }
  }
  for (char c = 0x21; c < 0x7f; ++c) {
    const Entry entry = (*this)[static_cast<char32_t>(c)];
    plain_[static_cast<unsigned char>(c)] = entry.replacement == 0 && entry.traits.kind() == Break::Other;
  }
}

}  // namespace llama::internal
