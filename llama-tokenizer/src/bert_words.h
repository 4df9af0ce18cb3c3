// Cut normalized characters into words: at spaces, and around punctuation.
//
// A word's bytes are kept up to the longest that WordPiece looks up; of a longer one only the length is counted.
// Threads  one at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "character_table.h"
#include "llama-base/utf8.h"

namespace llama::internal {

constexpr std::size_t kMaxWordCharacters = 100;  // a longer word is unknown

struct Word {
  std::string_view text;  // of a word that is too long: its beginning
  bool too_long;
  std::size_t begin, end;  // offsets of its first and last character in the text
};

// Sink: void word(const Word&), bool full().
template <class Sink>
class BertWords {
 public:
  BertWords(const CharacterTable& table, Sink& sink) : table_(table), sink_(sink) {}

  void put(char32_t c, std::size_t offset) {
    const std::uint8_t flags = table_[c].flags;
    if ((flags & Character::Space) != 0) {
      end_word();
    } else if ((flags & Character::Punctuation) != 0) {
      end_word();
      append(c, offset);
      end_word();
    } else {
      append(c, offset);
    }
  }
  void put_plain(char c, std::size_t offset) {
    if (characters_ == 0) begin_ = offset;
    end_ = offset;
    if (characters_ < kMaxWordCharacters) bytes_[size_++] = c;
    ++characters_;
  }
  void end_word() {
    if (characters_ == 0) return;
    sink_.word({.text = std::string_view(bytes_.data(), size_),
                .too_long = characters_ > kMaxWordCharacters,
                .begin = begin_,
                .end = end_});
    size_ = characters_ = 0;
  }
  [[nodiscard]] bool full() const { return sink_.full(); }

 private:
  void append(char32_t c, std::size_t offset) {
    if (characters_ == 0) begin_ = end_ = offset;
    begin_ = std::min(begin_, offset);  // marks may have changed places
    end_ = std::max(end_, offset);
    if (characters_ < kMaxWordCharacters) size_ += encode(c, bytes_.data() + size_);
    ++characters_;
  }

  const CharacterTable& table_;
  Sink& sink_;
  std::array<char, kMaxWordCharacters * 4> bytes_;
  std::size_t size_ = 0, characters_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace llama::internal
