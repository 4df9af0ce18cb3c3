// Count what an engine does.
//
// Threads  any number at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "llama-agent/generation_request.h"
#include "llama-agent/queue_config.h"
#include "llama-base/error.h"

namespace llama::internal {

class RequestCounts {
 public:
  [[nodiscard]] EngineMetrics metrics() const {
    const std::scoped_lock lock(mutex_);
    return metrics_;
  }
  void submitted() {
    const std::scoped_lock lock(mutex_);
    ++metrics_.total_requests;
  }
  void waiting(std::size_t requests) {
    const std::scoped_lock lock(mutex_);
    metrics_.queue_size = static_cast<std::int32_t>(requests);
    metrics_.peak_queue_size = std::max(metrics_.peak_queue_size, metrics_.queue_size);
  }
  void began() {
    const std::scoped_lock lock(mutex_);
    ++metrics_.running;
  }
  void ended(bool had_begun, std::size_t prompt_tokens, const Result<GenerationResponse>& end);
  // generating: replies that had to wait for it.
  void step(std::int32_t prompt_tokens, std::int32_t generating, std::chrono::milliseconds time);

 private:
  mutable std::mutex mutex_;
  EngineMetrics metrics_;
};

}  // namespace llama::internal
