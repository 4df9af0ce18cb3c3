#include <format>
#include <utility>

#include "llama-agent/agent_server.h"
#include "llama-core/embedding_context.h"

namespace llama {

Result<void> check(const AgentConfig& c) {
  const auto wrong = [](std::string message) { return fail(ErrorCode::InvalidArgument, std::move(message)); };
  if (c.context_tokens != 0 && (c.context_tokens < 256 || c.context_tokens > (1 << 20))) {
    return wrong(std::format("a context of {} tokens is not between 256 and {}", c.context_tokens, 1 << 20));
  }
  if (c.parallel < 1 || c.parallel > max_parallel_sequences()) {
    return wrong(std::format("{} replies at once: 1 to {} are possible", c.parallel, max_parallel_sequences()));
  }
  if (c.batch_tokens < c.parallel || c.batch_tokens > 8192) {
    return wrong(std::format("a batch of {} tokens is not between {} and 8192", c.batch_tokens, c.parallel));
  }
  if (c.threads < 0 || c.threads > 1024) return wrong("the number of threads must be between 0 and 1024");
  if (auto sound = check(c.queue); !sound) return sound;
  return check(c.sessions);
}

}  // namespace llama
