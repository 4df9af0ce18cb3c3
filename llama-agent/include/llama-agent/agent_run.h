// Let a model work with tools until it answers: reply, calls, results, the next reply.
//
//   ToolSet tools;
//   tools.add(Tool{…});
//   auto run = server->run({.generation = {.session_id = id}, .tools = &tools, .observer = show});
//
// All of it is in the session as it happens. No call is without its result there, however the run ends, so the
// conversation can always go on.
//
// Threads  one run per session at a time. An observer is called on the thread that called run().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-agent/generation_request.h"
#include "llama-agent/run_event.h"
#include "llama-agent/run_limits.h"
#include "llama-agent/tool_approval.h"
#include "llama-agent/tool_parallel.h"
#include "llama-agent/tool_set.h"
#include "llama-base/error.h"

namespace llama {

struct RunRequest {
  // Of each reply. Its tools are the set's; a tool_choice that wants a call holds for the first reply only.
  GenerationRequest generation;
  ToolSet* tools = nullptr;  // lives longer than the run
  ApprovalPolicy approvals{};
  RunLimits limits{};
  ParallelConfig parallel{};
  std::function<void(const RunEvent&)> observer{};  // of run(); must not throw
};

struct RunResponse {
  GenerationResponse reply;         // the last one
  std::vector<CallResult> calls{};  // of all rounds, in the order of the calls
  RunEnd end = RunEnd::Answered;
  std::string detail{};  // as in RunEnded
  std::int32_t rounds = 0;
  Usage usage{};  // of all rounds together
  std::vector<std::string> remarks{};
};

// A run as it goes. Its destructor cancels it and waits for its end.
//
// Threads  one reader. One that does not read stops the run after some thousand events.
class AgentRun {
 public:
  ~AgentRun();
  AgentRun(AgentRun&&) noexcept;
  AgentRun& operator=(AgentRun&&) noexcept;

  // The next event; nothing after RunEnded. Waits.
  //
  // Errors   as AgentServer::run().
  [[nodiscard]] Result<std::optional<RunEvent>> next();
  // Requires that next() came to the end without an error.
  [[nodiscard]] const RunResponse& response() const;
  // Running tools are told to stop; the run ends with what there is.
  void cancel();

 private:
  friend class AgentServer;
  struct State;
  explicit AgentRun(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Runs one call by hand: checked against its schema, but nobody is asked. Whatever goes wrong is a result with
// is_error; for an unknown tool it has the names that there are.
[[nodiscard]] ToolResult execute_tool(ToolSet& tools, const ToolCall& call, const RunLimits& limits = {},
                                      const std::stop_token& stop = {});

}  // namespace llama
