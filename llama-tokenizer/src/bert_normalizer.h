// Normalize text as BERT's published tokenizers do, one character after the other.
//
// The result goes to a sink as characters; ' ' stands for all white space. Only marks that survive (a handful of
// spacing marks have a combining class) ever wait for others, to be put in canonical order.
//
// Threads  one at a time.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "character_table.h"
#include "llama-base/utf8.h"

namespace llama::internal {

// Sink: void put(char32_t, std::size_t offset), the offset of the character's source in the text;
//       void put_plain(char, std::size_t offset), the same for ASCII letters and digits;
//       bool full(), asked now and then: no more is wanted.
template <class Sink>
class BertNormalizer {
 public:
  BertNormalizer(const CharacterTable& table, Sink& sink) : table_(table), sink_(sink) {}

  void normalize(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      if (const char plain = table_.plain(static_cast<unsigned char>(text[at])); plain != 0) {
        settle();
        sink_.put_plain(plain, at++);
        continue;
      }
      if (sink_.full()) return;
      const Decoded decoded = decode(text, at);
      one(decoded.character, at);
      at += decoded.length;
    }
    settle();
  }

 private:
  struct Waiting {
    Piece piece;
    std::size_t offset;
  };

  void one(char32_t c, std::size_t offset) {
    const Character& entry = table_[c];
    if (entry.flags == 0) [[likely]] {
      settle();
      sink_.put(c, offset);
      return;
    }
    if ((entry.flags & Character::Dropped) != 0) return;
    if ((entry.flags & Character::Space) != 0) return space(offset);
    const bool ideograph = (entry.flags & Character::Ideograph) != 0;
    if (ideograph) space(offset);
    if ((entry.flags & Character::Mapped) != 0) {
      for (const Piece& piece : table_.pieces(c)) place(piece, offset);
    } else {
      settle();
      sink_.put(c, offset);
    }
    if (ideograph) space(offset);
  }
  void space(std::size_t offset) {
    settle();
    sink_.put(U' ', offset);
  }
  void place(const Piece& piece, std::size_t offset) {
    if (piece.combining_class == 0) {
      settle();
      if (piece.kept) sink_.put(piece.character, offset);
    } else if (piece.kept) {
      waiting_.push_back({piece, offset});
    }
  }
  // Canonical order: marks between two characters of class 0, by their class.
  void settle() {
    if (waiting_.empty()) return;
    std::ranges::stable_sort(waiting_, {}, [](const Waiting& w) { return w.piece.combining_class; });
    for (const Waiting& w : waiting_) sink_.put(w.piece.character, w.offset);
    waiting_.clear();
  }

  const CharacterTable& table_;
  Sink& sink_;
  std::vector<Waiting> waiting_;
};

}  // namespace llama::internal
