#include "prefill_budget.h"

#include <algorithm>

namespace llama::internal {
namespace {

double blend(double old, double fresh) { return old == 0 ? fresh : 0.7 * old + 0.3 * fresh; }

}  // namespace

std::int32_t PrefillBudget::tokens(std::int32_t generating) const {
  const std::int32_t room = std::max(0, batch_ - generating);
  if (generating == 0) return room;
  if (per_token_ == 0) return std::min(room, 4 * kMin);
  const double fit = (target_ - decode_) / per_token_;
  return std::min(room, static_cast<std::int32_t>(std::clamp(fit, double{kMin}, double(batch_))));
}

void PrefillBudget::learn(std::int32_t generating, std::int32_t prompt_tokens, std::chrono::duration<double> time) {
  if (prompt_tokens == 0) {
    decode_ = blend(decode_, time.count());
  } else if (prompt_tokens >= kMin) {
    const double rest = std::max(time.count() - (generating > 0 ? decode_ : 0), time.count() * 0.1);
    per_token_ = blend(per_token_, rest / prompt_tokens);
  }
}

}  // namespace llama::internal
