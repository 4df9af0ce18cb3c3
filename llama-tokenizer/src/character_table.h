// What BERT's normalizer and pre-tokenizer do with each Unicode character, as a table.
//
// The tokenizers library knows categories as of Unicode 8.0 (its crate unicode_categories) and decomposes as of 9.0
// (its crate unicode-normalization-alignments); later characters are letters to it. ICU knows each character's age, so
// the same answers come from current data; a comparison over all code points finds no difference
// (testing/token_parity.py characters every).
// Cost     a page of 256 characters is made when the first of them is met: some 20 microseconds and 4 kB.
// Threads  any number at once.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace llama::internal {

constexpr char32_t kCodePoints = 0x110000;

// One of the characters that a character becomes.
struct Piece {
  char32_t character = 0;
  std::uint8_t combining_class = 0;
  bool kept = true;  // false for nonspacing marks, which only separate those around them
};

struct Character {
  enum Flag : std::uint8_t {
    Dropped = 1,      // control, format, private use: left out of the text before all else
    Space = 2,        // ends a word
    Punctuation = 4,  // a word of its own
    Ideograph = 8,    // so too, and before it is decomposed
    Mapped = 16,      // becomes other characters, or is a mark
  };
  std::uint8_t flags = 0;
  std::uint8_t piece_count = 0;
  std::uint16_t first_piece = 0;  // where Mapped: of its page
};

class CharacterTable {
 public:
  [[nodiscard]] static const CharacterTable& get(bool lowercase, bool strip_accents);

  [[nodiscard]] const Character& operator[](char32_t c) const { return page_of(c).characters[c & 0xff]; }
  // What an ASCII letter or digit becomes; 0 for all else.
  [[nodiscard]] char plain(unsigned char byte) const { return plain_[byte]; }
  // What a character becomes that is Mapped.
  [[nodiscard]] std::span<const Piece> pieces(char32_t c) const {
    const Page& page = page_of(c);
    const Character& entry = page.characters[c & 0xff];
    return std::span(page.pieces).subspan(entry.first_piece, entry.piece_count);
  }

 private:
  struct Page {
    std::array<Character, 256> characters{};
    std::vector<Piece> pieces;
  };
  CharacterTable(bool lowercase, bool strip_accents);

  [[nodiscard]] const Page& page_of(char32_t c) const {
    const Page* page = pages_[c >> 8].load(std::memory_order_acquire);
    return page != nullptr ? *page : make_page(c >> 8);
  }
  const Page& make_page(char32_t number) const;

  bool lowercase_, strip_accents_;
  std::array<char, 256> plain_{};
  // Made on demand: over all code points it would take 80 ms, longer than a small model takes to load.
  mutable std::array<std::atomic<const Page*>, kCodePoints / 256> pages_{};
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<const Page>> made_;
};

}  // namespace llama::internal
