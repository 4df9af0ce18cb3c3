// Decide which texts are computed with the tokens that they begin with in common computed once.
//
// Pure.
// Cost     one comparison of each text with the first one of its group, as far as all before it agree.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "llama-core/model.h"

namespace llama::internal {

// Attention of texts from that length on is rounded where the CPU has bfloat16 (doc/kernels.md; ggml-packed's attention
// has the same number, kRoundedFrom). Shorter and longer texts share no prefix, so that it is rounded as each of them
// is: a vector is the same whatever is computed beside it.
inline constexpr std::size_t kRoundedLength = 256;  // tokens

// Texts that are planned together.
struct PrefixGroup {
  std::vector<std::size_t> texts;  // indices, in order
  std::size_t prefix = 0;          // tokens that all begin with; each has more. 0: they share none
};

// Every text is in one group; where nothing is worth sharing there is one group.
//
// may_share  asked for the longest of the texts that would share: EmbeddingContext::takes_prefix().
[[nodiscard]] std::vector<PrefixGroup> group_by_prefix(std::span<const std::span<const Token>> texts,
                                                       const std::function<bool(std::size_t longest)>& may_share);

// What the texts of a pass may have of its budget, beside a prefix: half of it at least.
[[nodiscard]] std::size_t budget_beside(std::size_t prefix, std::size_t budget);

}  // namespace llama::internal
