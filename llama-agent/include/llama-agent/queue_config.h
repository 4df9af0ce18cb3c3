// How many requests wait, how long, and what the engine may use.
#pragma once

#include <chrono>
#include <cstdint>

#include "llama-base/error.h"

namespace llama {

struct QueueConfig {
  std::int32_t max_queue_size = 100;           // requests that wait; more are refused at once
  std::chrono::seconds request_timeout{120};   // from the submission to the end of the reply
  std::chrono::milliseconds step_target{150};  // how long reading prompts may hold up those who generate
  // For what sequences remember outside the context; 0: nothing is kept.
  std::uint64_t idle_memory_bytes = 1ULL << 30;
};

// Errors   InvalidArgument: the number that is out of its range.
[[nodiscard]] Result<void> check(const QueueConfig& config);

// Since the engine began.
struct EngineMetrics {
  std::uint64_t total_requests = 0, completed = 0, failed = 0, timed_out = 0, cancelled = 0;
  std::uint64_t prompt_tokens = 0;    // of all conversations
  std::uint64_t computed_tokens = 0;  // of prompts: what was not in memory
  std::uint64_t generated_tokens = 0;
  std::int32_t queue_size = 0, peak_queue_size = 0, running = 0;
  std::chrono::milliseconds longest_step{0};  // while somebody was generating
};

}  // namespace llama
