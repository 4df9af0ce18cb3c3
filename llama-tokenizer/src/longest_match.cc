#include "longest_match.h"

namespace llama::internal {

std::size_t LongestMatch::slot(std::uint64_t key) const {
  const std::size_t mask = edges_.size() - 1;
  std::size_t at = (key * 0x9e3779b97f4a7c15U >> 32) & mask;
  while (edges_[at].key != 0 && edges_[at].key != key) at = (at + 1) & mask;
  return at;
}

std::uint32_t LongestMatch::step(std::uint32_t node, unsigned char byte) const {
  return edges_[slot((static_cast<std::uint64_t>(node) << 8 | byte) + 1)].node;
}

void LongestMatch::grow() {
  std::vector<Edge> old(edges_.size() * 2);
  old.swap(edges_);
  for (const Edge& edge : old) {
    if (edge.key != 0) edges_[slot(edge.key)] = edge;
  }
}

void LongestMatch::add(std::string_view string, std::int32_t value) {
  if (string.empty()) return;
  std::uint32_t node = 0;
  for (const char c : string) {
    const std::uint64_t key = (static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(c)) + 1;
    std::size_t at = slot(key);
    if (edges_[at].key == 0) {
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
}

std::optional<LongestMatch::Match> LongestMatch::find(std::string_view text) const {
  std::optional<Match> best;
  std::uint32_t node = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    node = step(node, static_cast<unsigned char>(text[i]));
    if (node == kNone) break;
    if (values_[node] >= 0) best = Match{.length = i + 1, .value = values_[node]};
  }
  return best;
}

}  // namespace llama::internal
