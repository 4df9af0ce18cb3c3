// Decide which texts go through the model together.
//
// A pass costs about the same per token whatever the texts' lengths, as long as it has enough tokens to keep the
// matrix multiplications busy and no padding. So texts are packed by a budget of tokens, longest first (first fit
// decreasing), with a cap on their number. Nothing is padded.
// Cost     O(n log n + n * batches).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace llama {

// Returns batches of indices into lengths; each index stands in exactly one. A text longer than the budget is alone.
//
// Requires lengths > 0, token_budget > 0, max_sequences > 0.
[[nodiscard]] std::vector<std::vector<std::size_t>> plan_batches(std::span<const std::size_t> lengths,
                                                                 std::size_t token_budget, std::size_t max_sequences);

}  // namespace llama
