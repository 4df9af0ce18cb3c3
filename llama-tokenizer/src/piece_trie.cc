#include "piece_trie.h"

#include <algorithm>
#include <span>
#include <utility>

namespace llama::internal {

// Places the nodes one after the other, each time all children of one. Free units are kept in a ring; a node's children
// go to the first free units that fit. Only the last blocks of 256 units are tried, so that units that hardly anything
// fits into are not tried again and again.
class PieceTrieBuilder {
 public:
  static constexpr std::uint32_t kBlock = 256, kOpenBlocks = 16, kMaxUnits = 1U << 23;

  explicit PieceTrieBuilder(std::vector<PieceTrie::Unit>& units) : units_(units) {}

  // False when there is no room for more.
  bool build(std::span<const PieceTrie::Entry> entries) {
    units_.clear();
    if (!grow()) return false;
    take(0);
    used_bases_[0] = true;  // base 0 says that there are no children
    std::vector<Node> waiting{{.unit = 0, .first = 0, .last = entries.size(), .depth = 0}};
    std::vector<Node> children;
    std::vector<unsigned char> labels;
    while (!waiting.empty()) {
      Node node = waiting.back();
      waiting.pop_back();
      while (node.first < node.last && entries[node.first].string.size() == node.depth) {
        units_[node.unit].value = entries[node.first++].value;  // of equal strings the last
      }
      if (node.first == node.last) continue;
      children.clear();
      labels.clear();
      for (std::size_t i = node.first; i < node.last; ++i) {
        const auto label = static_cast<unsigned char>(entries[i].string[node.depth]);
        if (labels.empty() || labels.back() != label) {
          labels.push_back(label);
          children.push_back({.unit = 0, .first = i, .last = i, .depth = node.depth + 1});
        }
        children.back().last = i + 1;
      }
      const auto base = find_base(labels);
      if (!base) return false;
      used_bases_[*base] = true;
      units_[node.unit].base_and_label |= *base << 9;
      for (std::size_t i = 0; i < labels.size(); ++i) {
        children[i].unit = *base ^ labels[i];
        take(children[i].unit);
        units_[children[i].unit].base_and_label = labels[i] + 1U;
      }
      waiting.insert(waiting.end(), children.begin(), children.end());
    }
    return true;
  }

 private:
  struct Node {
    std::uint32_t unit;
    std::size_t first, last;  // of the entries
    std::size_t depth;        // bytes
  };
  static constexpr std::uint32_t kNone = ~0U;

  std::optional<std::uint32_t> find_base(const std::vector<unsigned char>& labels) {
    for (std::uint32_t at = head_; at != kNone; at = next_[at]) {
      const std::uint32_t base = at ^ labels[0];
      if (used_bases_[base]) continue;
      if (std::ranges::all_of(labels, [&](unsigned char label) { return is_free_[base ^ label]; })) return base;
    }
    const auto base = static_cast<std::uint32_t>(units_.size());  // a new block has room for any
    if (!grow()) return std::nullopt;
    return base;
  }
  bool grow() {
    const auto begin = static_cast<std::uint32_t>(units_.size());
    if (begin + kBlock > kMaxUnits) return false;
    if (begin >= kOpenBlocks * kBlock) {
      const std::uint32_t old = begin - kOpenBlocks * kBlock;
      for (std::uint32_t i = old; i < old + kBlock; ++i) {
        if (is_free_[i]) take(i);
      }
    }
    const std::size_t size = begin + kBlock;
    units_.resize(size);
    next_.resize(size, kNone);
    previous_.resize(size, kNone);
    is_free_.resize(size, true);
    used_bases_.resize(size, false);
    for (std::uint32_t i = begin; i < size; ++i) {
      previous_[i] = tail_;
      (tail_ == kNone ? head_ : next_[tail_]) = i;
      tail_ = i;
    }
    return true;
  }
  void take(std::uint32_t at) {
    is_free_[at] = false;
    (previous_[at] == kNone ? head_ : next_[previous_[at]]) = next_[at];
    (next_[at] == kNone ? tail_ : previous_[next_[at]]) = previous_[at];
  }

  std::vector<PieceTrie::Unit>& units_;
  std::vector<std::uint32_t> next_, previous_;  // of the free units
  std::vector<bool> is_free_, used_bases_;
  std::uint32_t head_ = kNone, tail_ = kNone;
};

std::optional<PieceTrie> PieceTrie::build(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& entry) { return entry.string.empty(); });
  std::ranges::stable_sort(entries, {}, &Entry::string);
  PieceTrie made;
  if (!PieceTrieBuilder(made.units_).build(entries)) return std::nullopt;
  return made;
}

std::optional<std::int32_t> PieceTrie::find(std::string_view string) const {
  std::uint32_t node = 0;
  for (const char c : string) {
    node = child(node, static_cast<unsigned char>(c));
    if (node == 0) return std::nullopt;
  }
  if (units_[node].value < 0) return std::nullopt;
  return units_[node].value;
}

}  // namespace llama::internal
