#include "llama-agent/run_limits.h"

#include <format>
#include <string_view>

#include "llama-agent/run_event.h"
#include "llama-agent/tool_parallel.h"

namespace llama {

Result<void> check(const RunLimits& limits) {
  const std::pair<std::string_view, std::int64_t> numbers[] = {
      {"rounds", limits.max_rounds},
      {"calls", limits.max_calls},
      {"calls in a round", limits.max_calls_per_round},
      {"tries", limits.max_argument_tries},
      {"same calls", limits.max_same_calls},
      {"milliseconds of a call", limits.call_time_limit.count()},
      {"milliseconds of a run", limits.time_limit.count()},
      {"milliseconds until a call is given up", limits.give_up_after.count()},
      {"bytes of a result", static_cast<std::int64_t>(limits.max_result_bytes)},
      {"bytes of all results", static_cast<std::int64_t>(limits.max_result_bytes_in_all)},
      {"bytes of arguments", static_cast<std::int64_t>(limits.arguments.max_argument_bytes)},
      {"levels of arguments", limits.arguments.max_argument_depth},
  };
  for (const auto& [what, number] : numbers) {
    if (number < 1)
      return fail(ErrorCode::InvalidArgument, std::format("the number of {} must be greater than 0", what));
  }
  return {};
}

Result<void> check(const ParallelConfig& config) {
  if (config.max_parallel_tools < 1 || config.max_parallel_tools > 64) {
    return fail(ErrorCode::InvalidArgument, "the number of parallel tools must be between 1 and 64");
  }
  return {};
}

std::string_view to_string(RunEnd end) {
  switch (end) {
    case RunEnd::Answered:
      return "answered";
    case RunEnd::TokenLimit:
      return "token limit";
    case RunEnd::RoundLimit:
      return "round limit";
    case RunEnd::CallLimit:
      return "call limit";
    case RunEnd::TimeLimit:
      return "time limit";
    case RunEnd::ArgumentTries:
      return "arguments did not match";
    case RunEnd::SameCall:
      return "the same call again and again";
    case RunEnd::Cancelled:
      return "cancelled";
  }
  return "answered";
}

}  // namespace llama
