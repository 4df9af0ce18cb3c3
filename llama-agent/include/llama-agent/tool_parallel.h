// Say which calls of one reply may run at once, and what they wait for. doc/agent.md explains the decision.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// Two kinds of tools that must not run at once; the model's order is kept. Patterns as in ApprovalRule.
struct ToolConflict {
  std::string first, second;
  std::string reason{};
};

enum class ToolAccess { Read, Write };

// What the tools of a pattern touch, instead of what their arguments suggest.
struct ToolResource {
  std::string tool;      // pattern
  std::string resource;  // a name, the same for all servers: "database"
  ToolAccess access = ToolAccess::Write;
};

struct ParallelConfig {
  std::int32_t max_parallel_tools = 4;  // 1 to 64; 1: one after the other
  bool references = true;               // "${x}" in arguments is the result of the call x
  std::vector<ToolConflict> conflicts{};
  std::vector<ToolConflict> never_parallel{};
  std::vector<ToolResource> resources{};
};

// Errors   InvalidArgument: the first field that is out of its bounds.
[[nodiscard]] Result<void> check(const ParallelConfig& config);

}  // namespace llama
