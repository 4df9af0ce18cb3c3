// Put variables into a config's texts: ${NAME}, ${NAME:-default}, ${env:NAME}, ${input:id}.
//
// A "$" without a brace stays as it is, and a value is not looked into again.
// Source   Claude Code, "Environment variable expansion in .mcp.json"; VS Code, "Variables reference".
#pragma once

#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

// Errors   InvalidArgument: a variable that is not set and has no default, an input that would have to be asked for, a
//          brace that is not closed. Names are in the message, values are not.
[[nodiscard]] Result<std::string> with_variables(std::string_view text, const McpVariables& variables);

// The lines NAME=VALUE of a file for "envFile": blank lines and lines with "#" are left out, quotes around a value too.
//
// Errors   InvalidArgument: a line that is none of these, by its number.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_env_file(std::string_view text);

}  // namespace llama::internal
