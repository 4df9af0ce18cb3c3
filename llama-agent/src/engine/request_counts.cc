#include "request_counts.h"

namespace llama::internal {

void RequestCounts::ended(bool had_begun, std::size_t prompt_tokens, const Result<GenerationResponse>& end) {
  const std::scoped_lock lock(mutex_);
  if (had_begun) --metrics_.running;
  const bool cancelled = end ? end->finish_reason == FinishReason::Cancelled : end.error().code == ErrorCode::Cancelled;
  const bool late = end ? end->finish_reason == FinishReason::TimeLimit : end.error().code == ErrorCode::TimedOut;
  ++(cancelled ? metrics_.cancelled : late ? metrics_.timed_out : end ? metrics_.completed : metrics_.failed);
  if (!end) return;
  metrics_.prompt_tokens += prompt_tokens;
  metrics_.generated_tokens += static_cast<std::uint64_t>(end->usage.generated_tokens);
}

void RequestCounts::step(std::int32_t prompt_tokens, std::int32_t generating, std::chrono::milliseconds time) {
  const std::scoped_lock lock(mutex_);
  metrics_.computed_tokens += static_cast<std::uint64_t>(prompt_tokens);
  if (generating > 0) metrics_.longest_step = std::max(metrics_.longest_step, time);
}

}  // namespace llama::internal
