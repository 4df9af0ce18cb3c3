// The loop of a run: a reply, its calls, their results, the next reply.
//
// It knows no engine: what it needs of a server is in RunHost. Threads: the caller's; everything is told there.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <stop_token>
#include <string>

#include "llama-agent/agent_run.h"
#include "llama-agent/agent_server.h"
#include "llama-agent/session.h"
#include "run_guard.h"
#include "run_stop.h"

namespace llama::internal {

struct RunHost {
  std::function<Result<GenerationStream>(const GenerationRequest&, const std::stop_token&)> reply;
  SessionStore* sessions = nullptr;
  std::size_t max_message_bytes = 0;
  std::stop_token stop{};  // of the server
};

// Errors   InvalidArgument: limits, no tools, tools in the request.
[[nodiscard]] Result<void> check(const RunRequest& request);

// Requires check(request).
[[nodiscard]] Result<RunResponse> run_to_the_end(const RunRequest& request, const RunHost& host,
                                                 const std::function<void(RunEvent)>& tell,
                                                 const std::stop_token& stop);

}  // namespace llama::internal
