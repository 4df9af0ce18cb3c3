// Decide how many prompt tokens a step may read while others wait for their next token.
//
// A step takes all tokens that are being generated plus this many of prompts, over all prompts together, so that no
// reply stands still for longer than the target. With nobody generating, a step reads as much as fits.
// Source   the same bound is what long prompts break in servers without it: ggml-org/llama.cpp issues 29175 and 10718.
#pragma once

#include <chrono>
#include <cstdint>

namespace llama::internal {

class PrefillBudget {
 public:
  PrefillBudget(std::chrono::milliseconds target, std::int32_t batch_tokens)
      : target_(std::chrono::duration<double>(target).count()), batch_(batch_tokens) {}

  // Of the next step.
  [[nodiscard]] std::int32_t tokens(std::int32_t generating) const;
  // What a step has cost.
  void learn(std::int32_t generating, std::int32_t prompt_tokens, std::chrono::duration<double> time);

 private:
  static constexpr std::int32_t kMin = 16;  // a prompt must come to its end
  double target_;                           // seconds
  std::int32_t batch_;
  double per_token_ = 0;  // seconds; 0: not known yet
  double decode_ = 0;     // seconds of a step without prompt tokens
};

}  // namespace llama::internal
