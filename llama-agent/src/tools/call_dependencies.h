// Decide which calls of one reply wait for which.
//
// A call waits for each call whose result stands in its arguments, wherever in the reply that one is. Calls that would
// disturb each other keep the model's order; the others may run at once. First the references alone are put in an order
// (the smallest number first where several could come next); then for each pair that conflicts the one that stands
// later in it waits for the earlier. All waits go along one order, so nothing can wait for itself. Calls whose
// references run in a circle, and those that need them, are never run.
//
// Cost     pairs of calls times pairs of their paths: microseconds for the 16 calls that one reply may have.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/tool.h"
#include "llama-agent/tool_parallel.h"

namespace llama::internal {

struct CallToPlan {
  std::string id, name;       // as the model wrote them
  std::string full_name;      // "SERVER.TOOL"
  ToolDefinition definition;  // of the tool
  std::string arguments;      // JSON text
  bool is_refused = false;    // it will not run, so it disturbs nobody
};

struct CallWait {
  std::size_t call;           // to have ended
  bool needs_result = false;  // and not to have failed
  std::string reason;
  bool operator==(const CallWait&) const = default;
};

struct CallPlan {
  std::vector<std::vector<CallWait>> waits;  // by call
  std::vector<std::string> problems;         // by call: why it can never run; ""
  // Calls by the step in which they could begin if each took as long as the others.
  [[nodiscard]] std::vector<std::vector<std::size_t>> waves() const;
};

[[nodiscard]] CallPlan plan_calls(std::span<const CallToPlan> calls, const ParallelConfig& config);

// The call that "${name}" means: by id, by the name of a tool that one call has, by number from 1.
[[nodiscard]] std::optional<std::size_t> call_named(std::span<const CallToPlan> calls, std::string_view name);

}  // namespace llama::internal
