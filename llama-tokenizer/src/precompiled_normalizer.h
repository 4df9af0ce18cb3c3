// Replace characters as a published Unigram model's map says.
//
// A text is cut into clusters (grapheme.h). A cluster of fewer than six bytes is looked up as a whole, and the first
// string of the map that it begins with replaces all of it: of a letter with two accents the second is lost. Any other
// cluster, and one that is not found, is looked up character by character. Nothing is composed or put in order beyond
// that, so that e.g. kana with a separate voicing mark (six bytes) stay as they are.
//
// Cost     linear.
// Threads  the table is immutable.
// Source   the tokenizers library 0.23, normalizers/precompiled.rs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "charsmap.h"
#include "grapheme.h"
#include "llama-base/utf8.h"

namespace llama::internal {

// A map, and what it makes of each single character.
class ReplacementTable {
 public:
  explicit ReplacementTable(Charsmap map);

  struct Entry {
    Traits traits;
    std::uint32_t replacement = 0;  // 0: stays
  };
  [[nodiscard]] Entry operator[](char32_t c) const {
    const std::uint32_t packed = pages_[page_of_[c >> 8]][c & 0xff];
    return {.traits = {static_cast<std::uint8_t>(packed)}, .replacement = packed >> 8};
  }
  [[nodiscard]] std::string_view replacement(std::uint32_t index) const { return replacements_[index]; }
  [[nodiscard]] const Charsmap& map() const { return map_; }
  // Whether a byte is a visible character of ASCII that stays as it is.
  [[nodiscard]] bool is_plain(char byte) const { return plain_[static_cast<unsigned char>(byte)]; }

 private:
  using Page = std::array<std::uint32_t, 256>;

  Charsmap map_;
  std::array<bool, 256> plain_{};
  std::array<std::uint16_t, 0x110000 / 256> page_of_{};
  std::vector<Page> pages_;
  std::vector<std::string_view> replacements_{std::string_view()};
};

// Sink: void put(std::string_view character, Traits);
//       void put_plain(std::string_view), some visible characters of ASCII;
//       bool full(), asked now and then: no more is wanted.
template <class Sink>
class PrecompiledNormalizer {
 public:
  PrecompiledNormalizer(const ReplacementTable& table, Sink& sink) : table_(table), sink_(sink) {}

  // Bytes that are no UTF-8 are left out.
  void normalize(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !sink_.full();) {
      if (table_.is_plain(text[at])) {
        if (const std::size_t end = plain_end(text, at); end > at) {
          sink_.put_plain(text.substr(at, end - at));
          at = end;
          continue;
        }
      }
      at = cluster(text, at);
    }
  }

 private:
  static constexpr std::size_t kLongRun = 4096, kShortCluster = 6;  // bytes

  // The last one may be the beginning of a cluster.
  [[nodiscard]] std::size_t plain_end(std::string_view text, std::size_t at) const {
    const std::size_t last = std::min(text.size(), at + kLongRun);
    std::size_t end = at + 1;
    while (end < last && table_.is_plain(text[end])) ++end;
    return end == text.size() || static_cast<unsigned char>(text[end]) < 0x80 ? end : end - 1;
  }
  [[nodiscard]] static bool is_invalid(const Decoded& decoded) {
    return decoded.character == 0xfffd && decoded.length == 1;
  }
  std::size_t cluster(std::string_view text, std::size_t begin) {
    const Decoded first = decode(text, begin);
    std::size_t end = begin + first.length;
    if (is_invalid(first)) return end;
    const ReplacementTable::Entry entry = table_[first.character];
    Cluster read(entry.traits);
    while (end < text.size()) {
      const Decoded next = decode(text, end);
      if (is_invalid(next) || !read.joins(table_[next.character].traits)) break;
      end += next.length;
    }
    const std::string_view whole = text.substr(begin, end - begin);
    if (whole.size() == first.length) {
      one(whole, entry);
    } else if (const auto found = whole.size() < kShortCluster ? table_.map().first_match(whole) : std::nullopt;
               found) {
      replace(*found);
    } else {
      each(whole);
    }
    return end;
  }
  void each(std::string_view text) {
    for (std::size_t at = 0; at < text.size() && !sink_.full();) {
      const Decoded decoded = decode(text, at);
      one(text.substr(at, decoded.length), table_[decoded.character]);
      at += decoded.length;
    }
  }
  void one(std::string_view character, const ReplacementTable::Entry& entry) {
    if (entry.replacement == 0) {
      sink_.put(character, entry.traits);
    } else {
      replace(table_.replacement(entry.replacement));
    }
  }
  void replace(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const Decoded decoded = decode(text, at);
      sink_.put(text.substr(at, decoded.length), table_[decoded.character].traits);
      at += decoded.length;
    }
  }

  const ReplacementTable& table_;
  Sink& sink_;
};

}  // namespace llama::internal
