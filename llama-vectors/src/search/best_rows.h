// Keep the k best rows of many.
//
// Cost     a comparison for a row that is not among them; else log k moves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "llama-vectors/vector_search.h"

namespace llama::internal {

// A higher score comes first, of equal ones the lower row.
[[nodiscard]] inline bool is_better(const SearchHit& a, const SearchHit& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

class BestRows {
 public:
  explicit BestRows(std::size_t k) : k_(k) {}

  void add(std::uint64_t row, double score) {
    const SearchHit hit{row, score};
    if (heap_.size() < k_) {
      heap_.push_back(hit);
      std::ranges::push_heap(heap_, is_better);  // the worst on top
    } else if (k_ > 0 && is_better(hit, heap_.front())) {
      std::ranges::pop_heap(heap_, is_better);
      heap_.back() = hit;
      std::ranges::push_heap(heap_, is_better);
    }
  }

  void merge(const BestRows& other) {
    for (const SearchHit& hit : other.heap_) add(hit.row, hit.score);
  }

  // The best one first; then there are none.
  [[nodiscard]] std::vector<SearchHit> take() {
    std::ranges::sort(heap_, is_better);
    return std::move(heap_);
  }

 private:
  std::size_t k_;
  std::vector<SearchHit> heap_;
};

}  // namespace llama::internal
