#include "llama-agent/queue_config.h"

namespace llama {

Result<void> check(const QueueConfig& c) {
  if (c.max_queue_size < 1) return fail(ErrorCode::InvalidArgument, "the queue's size must be greater than 0");
  if (c.request_timeout.count() < 1) {
    return fail(ErrorCode::InvalidArgument, "the request timeout must be greater than 0");
  }
  if (c.step_target.count() < 1) return fail(ErrorCode::InvalidArgument, "the step target must be greater than 0");
  return {};
}

}  // namespace llama
