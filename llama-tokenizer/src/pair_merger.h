// Merge the neighbours in a word, the lowest rank first and of equal ones the leftmost, as long as there are any.
//
// Pairs that may be merged wait in a heap. One of them may be gone, or have become another, when its turn comes.
// Cost     n log n.
// Threads  one at a time; the table: any number at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "llama-core/model.h"

namespace llama::internal {

class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank;
    Token merged;
  };

  void add(Token left, Token right, const Merge& merge) { merges_.insert_or_assign(key(left, right), merge); }
  [[nodiscard]] std::optional<Merge> find(Token left, Token right) const {
    const auto found = merges_.find(key(left, right));
    if (found == merges_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static std::uint64_t key(Token left, Token right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::unordered_map<std::uint64_t, Merge> merges_;
};

class PairMerger {
 public:
  explicit PairMerger(const MergeTable& table) : table_(table) {}

  void append(Token character) {
    const auto at = static_cast<std::ptrdiff_t>(symbols_.size());
    symbols_.push_back({.token = character, .previous = at - 1, .next = at + 1});
  }
  // Calls found(token) for each token of the word that was appended, and begins a new one.
  template <class Found>
  void finish(const Found& found) {
    if (symbols_.empty()) return;
    symbols_.back().next = kNone;
    merge_all();
    for (std::ptrdiff_t at = 0; at != kNone; at = symbol(at).next) found(symbol(at).token);
    symbols_.clear();
  }

 private:
  static constexpr std::ptrdiff_t kNone = -1;
  static constexpr Token kGone = -1;
  struct Symbol {
    Token token;
    std::ptrdiff_t previous, next;
  };
  struct Pair {
    std::uint32_t rank;
    Token merged;
    std::ptrdiff_t left;
    // The first of a heap is its greatest.
    bool operator<(const Pair& other) const { return rank != other.rank ? rank > other.rank : left > other.left; }
  };

  Symbol& symbol(std::ptrdiff_t at) { return symbols_[static_cast<std::size_t>(at)]; }

  void consider(std::ptrdiff_t left) {
    if (left == kNone || symbol(left).next == kNone) return;
    if (const auto merge = table_.find(symbol(left).token, symbol(symbol(left).next).token)) {
      waiting_.push({.rank = merge->rank, .merged = merge->merged, .left = left});
    }
  }
  void merge_all() {
    for (std::ptrdiff_t at = 0; at != kNone; at = symbol(at).next) consider(at);
    while (!waiting_.empty()) {
      const Pair pair = waiting_.top();
      waiting_.pop();
      Symbol& left = symbol(pair.left);
      if (left.token == kGone || left.next == kNone) continue;
      Symbol& right = symbol(left.next);
      const auto merge = table_.find(left.token, right.token);
      if (!merge || merge->merged != pair.merged) continue;
      left.token = pair.merged;
      left.next = right.next;
      right.token = kGone;
      if (left.next != kNone) symbol(left.next).previous = pair.left;
      consider(left.previous);
      consider(pair.left);
    }
  }

  const MergeTable& table_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Pair> waiting_;
};

}  // namespace llama::internal
