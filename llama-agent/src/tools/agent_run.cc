#include "llama-agent/agent_run.h"

#include <format>
#include <utility>

#include "agent_run_state.h"
#include "call_executor.h"
#include "tool_set_state.h"

namespace llama {

AgentRun::AgentRun(std::unique_ptr<State> state) : state_(std::move(state)) {}
AgentRun::AgentRun(AgentRun&&) noexcept = default;
AgentRun& AgentRun::operator=(AgentRun&&) noexcept = default;
AgentRun::~AgentRun() = default;

Result<std::optional<RunEvent>> AgentRun::next() { return state_->events.next(); }
const RunResponse& AgentRun::response() const { return *state_->events.ended(); }
void AgentRun::cancel() { state_->stop.request_stop(); }

ToolResult execute_tool(ToolSet& tools, const ToolCall& call, const RunLimits& limits, const std::stop_token& stop) {
  const auto list = tools.list(stop);
  const auto* tool = list.find(call.name);
  if (tool == nullptr) return {std::format("there is no tool '{}'; there are: {}", call.name, list.names()), true};
  internal::CallRules rules;
  rules.approvals = {.mode = ApprovalMode::Always, .memory = std::make_shared<ApprovalMemory>()};
  rules.limits = limits;
  rules.parallel.references = false;
  rules.stop = stop;
  const internal::CallToRun to_run{call, tool};
  auto ended = internal::run_calls(std::span(&to_run, 1), rules, ToolSetInside::threads(tools), {});
  return std::move(ended.front().result);
}

}  // namespace llama
