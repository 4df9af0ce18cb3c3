// Join rows to sets: the sets of a union-find forest, whose roots are their least members.
//
// Source   Tarjan and van Leeuwen, "Worst-case analysis of set union algorithms", 1984: path halving.
// Cost     a few steps for each call.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace llama::internal {

template <class Number>
class RowSets {
 public:
  explicit RowSets(Number count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), Number{0}); }

  [[nodiscard]] Number root(Number row) {
    while (parent_[row] != row) row = parent_[row] = parent_[parent_[row]];
    return row;
  }
  // The same without shortening the way, for several threads at once while nobody joins.
  [[nodiscard]] Number root_of(Number row) const {
    while (parent_[row] != row) row = parent_[row];
    return row;
  }
  // False: they were of one set.
  bool join(Number a, Number b) {
    a = root(a);
    b = root(b);
    if (a == b) return false;
    if (a > b) std::swap(a, b);
    parent_[b] = a;
    return true;
  }

 private:
  std::vector<Number> parent_;
};

}  // namespace llama::internal
