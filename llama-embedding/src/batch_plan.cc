#include "llama-embedding/batch_plan.h"

#include <algorithm>
#include <numeric>

namespace llama {

std::vector<std::vector<std::size_t>> plan_batches(std::span<const std::size_t> lengths, std::size_t token_budget,
                                                   std::size_t max_sequences) {
  std::vector<std::size_t> order(lengths.size());
  std::ranges::iota(order, std::size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return lengths[i]; });

  std::vector<std::vector<std::size_t>> batches;
  std::vector<std::size_t> room;  // tokens left in each batch
  std::size_t first_open = 0;     // batches before it take nothing more
  for (const std::size_t i : order) {
    std::size_t b = first_open;
    while (b < batches.size() && (room[b] < lengths[i] || batches[b].size() >= max_sequences)) ++b;
    if (b == batches.size()) {
      batches.emplace_back();
      room.push_back(std::max(token_budget, lengths[i]));
    }
    batches[b].push_back(i);
    room[b] -= lengths[i];
    while (first_open < batches.size() && (room[first_open] == 0 || batches[first_open].size() >= max_sequences))
      ++first_open;
  }
  return batches;
}

}  // namespace llama
