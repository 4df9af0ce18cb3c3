#include "longest_match.h"

namespace llama::internal {

void LongestMatch::grow() {
  std::vector<Edge> old(edges_.size() * 2);
  old.swap(edges_);
  --shift_;
  for (const Edge& edge : old) {
    if (edge.node != 0) edges_[slot(edge.key)] = edge;
  }
}

bool LongestMatch::add(std::string_view string, std::int32_t value) {
  constexpr std::size_t kMaxNodes = std::size_t{1} << 24;
  if (string.empty()) return true;
  std::uint32_t node = 0;
  for (const char c : string) {
    const std::uint32_t key = node << 8 | static_cast<unsigned char>(c);
    std::size_t at = slot(key);
    if (edges_[at].node == 0) {
      if (values_.size() >= kMaxNodes) return false;
      if (values_.size() * 2 > edges_.size()) {
        grow();
        at = slot(key);
      }
      edges_[at] = {.key = key, .node = static_cast<std::uint32_t>(values_.size())};
      values_.push_back(-1);
    }
    node = edges_[at].node;
  }
  if (values_[node] < 0) values_[node] = value;
  return true;
}

}  // namespace llama::internal
