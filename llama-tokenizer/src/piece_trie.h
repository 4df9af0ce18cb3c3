// Find all of many strings that a text begins with, the shortest first.
//
// A double array: a node's child for a byte lies at the node's base, with that byte's bits flipped, if the label there
// is that byte. No two nodes have the same base, so a label tells whose child it is.
// Cost     8 bytes a node or a little more, one look into memory per byte; built in linear time.
// Threads  immutable once built.
// Source   Aoe, An Efficient Digital Search Algorithm by Using a Double-Array Structure, 1989.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace llama::internal {

class PieceTrie {
 public:
  struct Entry {
    std::string_view string;
    std::int32_t value;  // >= 0
  };

  PieceTrie() : units_(1) {}
  // Of equal strings the last counts; empty ones are ignored. None where they need more than 8 million nodes.
  [[nodiscard]] static std::optional<PieceTrie> build(std::vector<Entry> entries);

  // Calls found(length, value) for each.
  template <class Found>
  void prefixes(std::string_view text, const Found& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (units_[node].value >= 0) found(i + 1, units_[node].value);
    }
  }
  [[nodiscard]] std::optional<std::int32_t> find(std::string_view string) const;

 private:
  friend class PieceTrieBuilder;
  struct Unit {
    std::uint32_t base_and_label = 0;  // base << 9 | label + 1; label 0: free, or the root. Base 0: no children
    std::int32_t value = -1;
  };
  // 0 where there is none.
  [[nodiscard]] std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    const std::uint32_t at = units_[node].base_and_label >> 9 ^ byte;
    return at < units_.size() && (units_[at].base_and_label & 0x1ff) == byte + 1U ? at : 0;
  }

  std::vector<Unit> units_;
};

}  // namespace llama::internal
