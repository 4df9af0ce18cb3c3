#include "tool_servers.h"

#include <utility>

#include "../exit_status.h"
#include "question_prompt.h"

namespace llama {

Step<std::unique_ptr<McpServers>> open_servers(const std::filesystem::path& config,
                                               std::optional<std::chrono::seconds> time_limit, const Console& console,
                                               McpServersHandlers handlers) {
  if (config.empty()) return usage_error("--mcp-config is required (--help lists the flags)");
  auto read = read_mcp_config(config);
  if (!read) return stop_with(read.error(), kInputError);
  for (const std::string& remark : read->remarks) tell("Warning: {}", remark);
  for (McpServerConfig& server : read->servers) {
    if (!time_limit) continue;
    server.start_time_limit = server.call_time_limit = *time_limit;
  }
  if (!handlers.ask) handlers.ask = ask_in_terminal;
  if (!handlers.log && !console.quiet) {
    handlers.log = [](const std::string& server, const McpLogLine& line) {
      tell("[{} {}] {}", server, line.level, printable(line.text));
    };
  }
  auto servers = McpServers::create(std::move(read->servers), std::move(handlers),
                                    {.client_name = "llama-cli", .client_version = LLAMA_CLI_VERSION});
  if (!servers) return stop_with(servers.error(), kInputError);
  return std::move(*servers);
}

int server_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return kInputError;
    case ErrorCode::NotFound:
    case ErrorCode::Network:
    case ErrorCode::AccessDenied:
    case ErrorCode::TimedOut:
    case ErrorCode::Busy:
      return kNetworkError;
    default:
      return kInternalError;
  }
}

}  // namespace llama
