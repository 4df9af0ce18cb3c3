// Read the tools that a request offers, and check what it says of them.
//
// Source   OpenAI's interface: {"type": "function", "function": {"name", "description", "parameters"}}; the bare form,
//          without "function", is read as well.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/tool_choice.h"
#include "llama-base/error.h"

namespace llama::internal {

constexpr std::size_t kMaxToolName = 128;  // bytes, as MCP has it

struct OfferedTool {
  std::string name;
  std::string parameters{};  // JSON Schema text; "": any object
};

// Errors   InvalidArgument: no JSON array; a definition without a name, or with one that another has or that is none.
[[nodiscard]] Result<std::vector<OfferedTool>> read_offered_tools(std::string_view definitions);

// Errors   InvalidArgument: a call is wanted and there is nothing to call, or not the tool that is named.
[[nodiscard]] Result<void> check_choice(const ToolChoice& choice, const std::vector<OfferedTool>& tools);

}  // namespace llama::internal
