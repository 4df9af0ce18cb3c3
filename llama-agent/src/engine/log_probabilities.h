// The probabilities of tokens as the model gave them: the plain softmax of its logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "llama-core/model.h"

namespace llama::internal {

struct TokenProbability {
  Token token = 0;
  float logprob = 0;  // natural logarithm
};

// The given token first, then the `count` most likely ones.
[[nodiscard]] std::vector<TokenProbability> log_probabilities(std::span<const float> logits, Token token,
                                                              std::int32_t count);

}  // namespace llama::internal
