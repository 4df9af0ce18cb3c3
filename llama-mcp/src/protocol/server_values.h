// Read what a server lists and answers into values. What is missing or of a wrong type is left out.
//
// Source   specification, "Server features"; PyPI mcp-types 2.3.0, mcp_types/_types.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "llama-mcp/mcp_content.h"

namespace llama::internal {

// A name that can be asked for and shown: not empty, at most 256 bytes, no control characters.
[[nodiscard]] bool is_usable_name(std::string_view name);

// Nothing: no object, or no usable name (of a resource: no URI).
[[nodiscard]] std::optional<McpTool> read_tool(const nlohmann::ordered_json& value);
[[nodiscard]] std::optional<McpPrompt> read_prompt(const nlohmann::ordered_json& value);
[[nodiscard]] std::optional<McpResource> read_resource(const nlohmann::ordered_json& value);

[[nodiscard]] McpContent read_content(const nlohmann::ordered_json& block);
[[nodiscard]] McpContent read_resource_contents(const nlohmann::ordered_json& contents);
[[nodiscard]] McpToolResult read_tool_result(const nlohmann::ordered_json& result);

}  // namespace llama::internal
