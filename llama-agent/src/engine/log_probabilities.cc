#include "log_probabilities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace llama::internal {

std::vector<TokenProbability> log_probabilities(std::span<const float> logits, Token token, std::int32_t count) {
  const float most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - most));
  const auto of = [&](Token t) {
    const float logit = logits[static_cast<std::size_t>(t)];
    return TokenProbability{t, static_cast<float>(static_cast<double>(logit - most) - std::log(sum))};
  };
  std::vector<TokenProbability> result{of(token)};
  const auto n = std::min(static_cast<std::size_t>(std::max(count, 0)), logits.size());
  if (n == 0) return result;
  std::vector<Token> order(logits.size());
  std::ranges::iota(order, 0);
  const auto likelier = [&](Token a, Token b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(n), likelier);
  for (std::size_t i = 0; i < n; ++i) result.push_back(of(order[i]));
  return result;
}

}  // namespace llama::internal
