// Look up what a published Unigram model replaces a string with.
//
// The map is an array of bytes: the size of a trie, the trie (a double array of 32-bit units, bytes as labels), and the
// replacements, each ended by a zero. Bytes 10 to 31 of a unit say how far its children are away, bit 9 that this is to
// be multiplied by 256, bit 8 that a string ends here; the lowest 8 bits are the unit's label. A unit with bit 31 is
// where a string ended: the other bits are an offset among the replacements.
// Threads  immutable: any number at once.
// Source   sentencepiece, src/normalizer.cc and third_party/darts_clone/darts.h; read as the crate spm_precompiled
//          0.1.4 reads it (src/lib.rs): the first, shortest string counts, and a zero byte ends the text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class Charsmap {
 public:
  // Errors   InvalidModel: cut short, replacements that are not UTF-8, a unit that points outside.
  [[nodiscard]] static Result<Charsmap> parse(std::span<const unsigned char> bytes);

  // What the shortest string that `text` begins with becomes; none where it begins with none.
  //
  // Cost   one step per byte of that string, for any map.
  [[nodiscard]] std::optional<std::string_view> first_match(std::string_view text) const;
  // Whether first_match() can find anything for a text that begins so.
  [[nodiscard]] bool has_beginning(std::string_view beginning) const;

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace llama::internal
