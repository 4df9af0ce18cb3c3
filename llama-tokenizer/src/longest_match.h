// Find the longest of many strings that a text begins with.
//
// A trie whose edges lie in one hash table: (node, byte) → node.
// Cost     one probe per byte of the match and one more; 16 to 32 bytes of memory per node.
// Threads  immutable once built.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace llama::internal {

class LongestMatch {
 public:
  struct Match {
    std::size_t length;
    std::int32_t value;
  };

  // The first of equal strings keeps its value; empty ones are ignored. value >= 0. False when the strings have more
  // than 16 million bytes that differ.
  [[nodiscard]] bool add(std::string_view string, std::int32_t value);

  [[nodiscard]] std::optional<Match> find(std::string_view text) const {
    std::optional<Match> best;
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = step(node, static_cast<unsigned char>(text[i]));
      if (node == 0) break;  // no edge leads back to the root
      if (values_[node] >= 0) best = Match{.length = i + 1, .value = values_[node]};
    }
    return best;
  }
  [[nodiscard]] bool empty() const { return values_.size() == 1; }

 private:
  struct Edge {
    std::uint32_t key = 0;   // node << 8 | byte
    std::uint32_t node = 0;  // 0: free
  };
  [[nodiscard]] std::size_t slot(std::uint32_t key) const {
    std::size_t at = key * 0x9e3779b1U >> shift_;
    while (edges_[at].node != 0 && edges_[at].key != key) at = (at + 1) & (edges_.size() - 1);
    return at;
  }
  [[nodiscard]] std::uint32_t step(std::uint32_t node, unsigned char byte) const {
    return edges_[slot(node << 8 | byte)].node;
  }
  void grow();

  unsigned shift_ = 22;                                // 32 - log2 of the number of slots
  std::vector<Edge> edges_ = std::vector<Edge>(1024);  // a power of two, at most half full
  std::vector<std::int32_t> values_ = {-1};            // one per node, the root first; -1: no string ends here
};

}  // namespace llama::internal
