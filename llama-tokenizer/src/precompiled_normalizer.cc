#include "precompiled_normalizer.h"

namespace llama::internal {

ReplacementTable::ReplacementTable(Charsmap map) : map_(std::move(map)) {
  const TraitsTable& traits = TraitsTable::get();
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::unordered_map<std::string, std::uint16_t> known_pages;
  for (std::size_t page = 0; page < page_of_.size(); ++page) {
    Page made;
    for (std::size_t i = 0; i < made.size(); ++i) {
      const auto c = static_cast<char32_t>(page * made.size() + i);
      made[i] = traits[c].bits;
      if (c >= 0xd800 && c < 0xe000) continue;
      std::array<char, 4> bytes{};
      const auto found = map_.first_match(std::string_view(bytes.data(), encode(c, bytes.data())));
      if (!found) continue;
      const auto [at, is_new] = known.emplace(*found, static_cast<std::uint32_t>(replacements_.size()));
      if (is_new) replacements_.push_back(*found);
      made[i] |= at->second << 8;
    }
    std::string key(reinterpret_cast<const char*>(made.data()), sizeof made);
    const auto [at, is_new] = known_pages.emplace(std::move(key), static_cast<std::uint16_t>(pages_.size()));
    if (is_new) pages_.push_back(made);
    page_of_[page] = at->second;
  }
  for (char c = 0x21; c < 0x7f; ++c) {
    const Entry entry = (*this)[static_cast<char32_t>(c)];
    plain_[static_cast<unsigned char>(c)] = entry.replacement == 0 && entry.traits.kind() == Break::Other;
  }
}

}  // namespace llama::internal
