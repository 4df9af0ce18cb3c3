#include "tool_servers.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <stop_token>
#include <utility>

#include "../exit_status.h"
#include "question_prompt.h"
#include "terminal_turn.h"

namespace llama {
namespace {

ApprovalAction action_of(McpToolRule::Approval approval) {
  if (approval == McpToolRule::Approval::Always) return ApprovalAction::Allow;
  return approval == McpToolRule::Approval::Never ? ApprovalAction::Deny : ApprovalAction::Ask;
}

}  // namespace

Step<OpenServers> open_servers(const std::filesystem::path& config, std::optional<std::chrono::seconds> time_limit,
                               const Interrupt& interrupt, const Console& console, McpServersHandlers handlers) {
  if (config.empty()) return usage_error("--mcp-config is required (--help lists the flags)");
  auto read = read_mcp_config(config, environment_variables(), interrupt.token());
  if (!read) return stop_with(read.error(), kInputError);
  for (const std::string& remark : read->remarks) tell("Warning: {}", remark);
  OpenServers opened;
  for (McpServerConfig& server : read->servers) {
    const auto full = [&](const std::string& pattern) { return std::format("{}.{}", server.name, pattern); };
    for (const McpToolRule& rule : server.rules) {
      ApprovalRule made{.pattern = full(rule.pattern), .action = action_of(rule.approval)};
      std::ranges::transform(rule.except, std::back_inserter(made.except), full);
      opened.rules.push_back(std::move(made));
    }
    if (!time_limit) continue;
    server.start_time_limit = server.call_time_limit = *time_limit;
  }
  if (!handlers.ask) {
    handlers.ask = [&interrupt](const std::string& server, const McpQuestion& question, const std::stop_token& stop) {
      std::stop_source either;
      const auto end = [&] { either.request_stop(); };
      const std::stop_callback on_stop(stop, end), on_signal(interrupt.token(), end);
      return ask_in_terminal(server, question, either.get_token());
    };
  }
  if (!handlers.log && !console.quiet) {
    handlers.log = [](const std::string& server, const McpLogLine& line) {
      const auto turn = wait_for_lines();  // a question is not written over
      tell("[{} {}] {}", server, line.level, printable(line.text));
    };
  }
  auto servers = McpServers::create(std::move(read->servers), std::move(handlers),
                                    {.client_name = "llama-cli", .client_version = LLAMA_CLI_VERSION});
  if (!servers) return stop_with(servers.error(), kInputError);
  opened.servers = std::move(*servers);
  return opened;
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
