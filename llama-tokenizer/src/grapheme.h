// Tell where one character as readers see it (an extended grapheme cluster) ends: e and its accents, the jamo of a
// syllable, the parts of an emoji.
//
// Each code point has a byte of traits. A cluster is read from its first character on; what decides whether the next
// one belongs to it fits in four small numbers, so that a cluster of a million marks costs no more than a million
// letters.
// Source   Unicode Standard Annex 29, table 2 and rules GB3 to GB999, of Unicode 17.0, which the crate
//          unicode-segmentation 1.13 has; the properties come from ICU. Characters that are newer than 17.0 are
//          ordinary ones. With an ICU before 76 rule GB9c is not applied, with one before 78 characters of Unicode 17
//          are ordinary.
// Cost     get() takes some tens of milliseconds the first time.
// Threads  the table is immutable; a Cluster belongs to one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace llama::internal {

enum class Break : std::uint8_t {
  Other,
  CarriageReturn,
  LineFeed,
  Control,
  Extend,
  Joiner,  // U+200D
  SpacingMark,
  Prepend,
  Leading,  // Hangul's L, V, T, LV, LVT
  Vowel,
  Trailing,
  LeadingVowel,
  LeadingVowelTrailing,
  Regional,
  Pictograph,
};

// The lowest four bits are a Break, the next two the part that a character has in a conjunct of an Indic script.
struct Traits {
  enum : std::uint8_t {
    Consonant = 0x10,
    Linker = 0x20,
    ConjunctExtend = 0x30,
    ConjunctMask = 0x30,
    Space = 0x40,
    Marker = 0x80
  };
  std::uint8_t bits = 0;

  [[nodiscard]] Break kind() const { return static_cast<Break>(bits & 0x0f); }
  [[nodiscard]] int conjunct() const { return bits & ConjunctMask; }
  [[nodiscard]] bool is_space() const { return (bits & Space) != 0; }    // White_Space
  [[nodiscard]] bool is_marker() const { return (bits & Marker) != 0; }  // U+2581, which stands for a space
};

class TraitsTable {
 public:
  [[nodiscard]] static const TraitsTable& get();
  [[nodiscard]] Traits operator[](char32_t c) const { return pages_[page_of_[c >> 8]][c & 0xff]; }
  // The same number for 256 characters (page: c >> 8) with the same traits; below page_count().
  [[nodiscard]] std::size_t page_number(std::size_t page) const { return page_of_[page]; }
  [[nodiscard]] std::size_t page_count() const { return pages_.size(); }

 private:
  using Page = std::array<Traits, 256>;
  TraitsTable();

  std::array<std::uint16_t, 0x110000 / 256> page_of_{};
  std::vector<Page> pages_;  // equal pages once
};

// What has been read of a cluster.
class Cluster {
 public:
  explicit Cluster(Traits first) { take(first); }

  // Whether `next` belongs to it as well; it is then read.
  [[nodiscard]] bool joins(Traits next) {
    // Nearly all text: a letter after a letter.
    if ((next.bits & 0x3f) == 0 && last_ != Break::Prepend) return false;
    if (!belongs(next)) return false;
    take(next);
    return true;
  }

 private:
  [[nodiscard]] bool belongs(Traits next) const;
  void take(Traits next);

  Break last_ = Break::Other;
  bool odd_regional_ = false;                   // an odd number of regional indicators at the end
  enum { None, Base, BaseAndJoiner } emoji_{};  // a pictograph and marks; and then a joiner
  enum { No, Consonant, Linked } conjunct_{};   // a consonant and marks; and then, or among them, a linker
};

}  // namespace llama::internal
