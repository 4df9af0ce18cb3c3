// Decide what a server sees of our environment, and which file its command is.
//
// A server is somebody else's program: it gets what programs need to run (PATH, HOME, the language, proxies …) and what
// its config gives it. API keys in our environment are not its business.
// Source   environ(7); PyPI mcp 2.3.0, mcp/client/stdio.py (the published clients' list).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama::internal {

// Whether a variable of ours is handed on.
[[nodiscard]] bool is_handed_on(std::string_view name, std::string_view value);

// Ours as far as handed on, and the config's over it.
[[nodiscard]] std::map<std::string, std::string> child_environment(const McpServerConfig& config);

// The program's file: as it is where it has a "/" (from the working directory), else looked for in the child's PATH.
//
// Errors   NotFound: no such command, or no right to run it.
[[nodiscard]] Result<std::filesystem::path> find_program(const McpServerConfig& config,
                                                         const std::map<std::string, std::string>& environment);

}  // namespace llama::internal
