// What BERT's normalizer and pre-tokenizer do with each Unicode character, as a table.
//
// The tokenizers library knows categories as of Unicode 8.0 (its crate unicode_categories) and decomposes as of 9.0
// (its crate unicode-normalization-alignments); later characters are letters to it. ICU knows each character's age, so
// the same answers come from current data; a comparison over all code points finds no difference
// (testing/token_parity.py characters every).
// Cost     get() takes some tens of milliseconds the first time for each pair of options; 2 MB.
// Threads  immutable: any number at once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace llama::internal {

constexpr char32_t kCodePoints = 0x110000;

struct Character {
  enum Flag : std::uint8_t {
    Dropped = 1,      // control, format, private use: left out of the text before all else
    Space = 2,        // ends a word
    Punctuation = 4,  // a word of its own
    Ideograph = 8,    // so too, and before it is decomposed
    Mapped = 16,      // becomes other characters, or is a mark
  };
  std::uint8_t flags = 0;
  std::uint16_t mapping = 0;  // where Mapped
};

// One of the characters that a character becomes.
struct Piece {
  char32_t character = 0;
  std::uint8_t combining_class = 0;
  bool kept = true;  // false for nonspacing marks, which only separate those around them
};

class CharacterTable {
 public:
  [[nodiscard]] static const CharacterTable& get(bool lowercase, bool strip_accents);

  [[nodiscard]] const Character& operator[](char32_t c) const { return pages_[page_of_[c >> 8]][c & 0xff]; }
  // What an ASCII letter or digit becomes; 0 for all else.
  [[nodiscard]] char plain(unsigned char byte) const { return plain_[byte]; }
  [[nodiscard]] std::span<const Piece> pieces(const Character& c) const {
    return std::span(pieces_).subspan(first_piece_[c.mapping], first_piece_[c.mapping + 1U] - first_piece_[c.mapping]);
  }

 private:
  using Page = std::array<Character, 256>;
  CharacterTable(bool lowercase, bool strip_accents);

  std::array<char, 256> plain_{};
  std::array<std::uint16_t, kCodePoints / 256> page_of_{};
  std::vector<Page> pages_;  // equal pages once
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> first_piece_;
};

}  // namespace llama::internal
