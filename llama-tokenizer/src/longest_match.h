// Find the longest of many strings that a text begins with.
//
// A trie whose edges lie in one hash table: (node, byte) → node.
// Cost     one probe per byte of the match and one more; about 30 bytes of memory per byte of all strings.
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

  // The first of equal strings keeps its value; empty ones are ignored. value >= 0.
  void add(std::string_view string, std::int32_t value);

  [[nodiscard]] std::optional<Match> find(std::string_view text) const;
  [[nodiscard]] bool empty() const { return values_.size() == 1; }

 private:
  static constexpr std::uint32_t kNone = 0;
  struct Edge {
    std::uint64_t key = 0;  // node << 8 | byte, plus 1; 0 is free
    std::uint32_t node = kNone;
  };
  [[nodiscard]] std::size_t slot(std::uint64_t key) const;
  [[nodiscard]] std::uint32_t step(std::uint32_t node, unsigned char byte) const;
  void grow();

  std::vector<Edge> edges_ = std::vector<Edge>(1024);  // a power of two, at most half full
  std::vector<std::int32_t> values_ = {-1};            // one per node, the root first; -1: no string ends here
};

}  // namespace llama::internal
