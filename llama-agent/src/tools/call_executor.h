// Run the calls of one reply as planned: approved, on threads of their own, within their time.
//
// One thread decides: the caller's. Calls and the person who is asked run on others and report to a board that they
// share with it and that outlives both. A call that has not come back give_up_after its end of time, or a cancellation,
// is left to its thread; what would disturb it does not run any more. The asker is asked about one call at a time.
//
// Threads  everything is told on the caller's thread.
// Cost     a thread per call.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "call_dependencies.h"
#include "llama-agent/run_event.h"
#include "llama-agent/run_limits.h"
#include "llama-agent/tool_approval.h"
#include "llama-agent/tool_parallel.h"
#include "llama-agent/tool_set.h"
#include "tool_threads.h"

namespace llama::internal {

struct CallToRun {
  ToolCall call;
  const ListedTool* tool = nullptr;  // none: refused
  std::string refusal{};             // why it is not run; "": it may be
};

struct CallRules {
  ApprovalPolicy approvals;  // with a memory
  RunLimits limits;
  ParallelConfig parallel;
  std::stop_token stop;  // of the run
  std::function<std::string()> why_stopped = [] { return std::string("the run was cancelled"); };
};

struct EndedCall {
  ToolResult result;  // as the tool gave it, whole characters
  bool was_run = false;
  bool was_denied = false;
  std::string wrong_arguments{};  // the validator's words, where they did not match once references were replaced
  std::chrono::milliseconds time{0};
};

struct CallHooks {
  std::function<void(RunEvent)> tell = [](const RunEvent&) {};
  std::function<void(std::string)> remark = [](const std::string&) {};
  std::function<void(std::size_t call, const EndedCall&)> ended = [](std::size_t, const EndedCall&) {};  // any order
};

// The results in the order of the calls. Never fails: what goes wrong is a result.
[[nodiscard]] std::vector<EndedCall> run_calls(std::span<const CallToRun> calls, const CallRules& rules,
                                               ToolThreads& threads, const CallHooks& hooks);

// What a tool gives, whatever it throws.
[[nodiscard]] ToolResult call_guarded(const ToolFunction& function, const std::string& arguments,
                                      const ToolContext& context) noexcept;

}  // namespace llama::internal
