// Open the servers of a config file for a command: questions asked in the terminal, log lines shown.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "../console.h"
#include "../interrupt.h"
#include "llama-agent/tool_approval.h"
#include "llama-mcp/mcp_servers.h"

namespace llama {

struct OpenServers {
  std::unique_ptr<McpServers> servers;
  std::vector<ApprovalRule> rules;  // the file's, of all of them
};

// What the file says that nobody here knows is told as warnings. time_limit: of every start and call, instead of the
// file's. interrupt: withdraws a server's question; it outlives the servers.
//
// Errors   the file cannot be read or means nothing: input (exit status 3).
[[nodiscard]] Step<OpenServers> open_servers(const std::filesystem::path& config,
                                             std::optional<std::chrono::seconds> time_limit, const Interrupt& interrupt,
                                             const Console& console, McpServersHandlers handlers = {});

// Of a server that cannot be reached, or a call that it did not answer.
[[nodiscard]] int server_status(ErrorCode code);

}  // namespace llama
