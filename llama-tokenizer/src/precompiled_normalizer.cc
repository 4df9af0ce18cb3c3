#include "precompiled_normalizer.h"

namespace llama::internal {

// All but the last byte are the same for 64 characters in a row, so that a map that has nothing for them is asked once;
// and of the pages of 256 that the map leaves alone only one is made for each kind.
ReplacementTable::ReplacementTable(Charsmap map) : map_(std::move(map)) {
  constexpr std::size_t kGroup = 64, kNotMade = ~std::size_t{0};
  const TraitsTable& traits = TraitsTable::get();
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::vector<std::size_t> untouched(traits.page_count(), kNotMade);
  for (std::size_t page = 0; page < page_of_.size(); ++page) {
    Page made;
    bool touched = false;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const auto c = static_cast<char32_t>(page * made.size() + i);
      std::array<char, 4> bytes{};
      const std::string_view character(bytes.data(), encode(c, bytes.data()));
      if (c >= 0x80 && i % kGroup == 0 && !map_.has_beginning(character.substr(0, character.size() - 1))) {
        for (const std::size_t end = i + kGroup; i < end; ++i) {
          made[i] = traits[static_cast<char32_t>(page * made.size() + i)].bits;
        }
        --i;
        continue;
      }
      made[i] = traits[c].bits;
      if (c >= 0xd800 && c < 0xe000) continue;
      const auto found = map_.first_match(character);
      if (!found) continue;
      const auto [at, is_new] = known.emplace(*found, static_cast<std::uint32_t>(replacements_.size()));
      if (is_new) replacements_.push_back(*found);
      made[i] |= at->second << 8;
      touched = true;
    }
    std::size_t& same = untouched[traits.page_number(page)];
    if (!touched && same != kNotMade) {
      page_of_[page] = static_cast<std::uint16_t>(same);
      continue;
    }
    page_of_[page] = static_cast<std::uint16_t>(pages_.size());
    if (!touched) same = pages_.size();
    pages_.push_back(made);
  }
  for (char c = 0x21; c < 0x7f; ++c) {
    const Entry entry = (*this)[static_cast<char32_t>(c)];
    plain_[static_cast<unsigned char>(c)] = entry.replacement == 0 && entry.traits.kind() == Break::Other;
  }
}

}  // namespace llama::internal
