// Say how a server of the Model Context Protocol is reached: a command to start, or an address to ask.
//
// The files that people have are read as they are: Claude Desktop's, Claude Code's, Cursor's and Windsurf's
// ("mcpServers"), VS Code's ("servers"), with comments, ${VAR}, ${VAR:-default}, url, serverUrl and httpUrl. They are
// never written.
// Threads  values; reading is free of state.
// Source   modelcontextprotocol.io, "Connect to local servers"; code.visualstudio.com, "MCP configuration reference".
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

// Which generation of the protocol a server speaks. Older: with `initialize` (2024-11-05 to 2025-11-25). Modern: every
// request carries its revision (2026-07-28).
enum class McpEra { Older, Modern };

// What its config says of calls of a tool. Nothing here acts on it: whoever lets a model call does.
struct McpToolRule {
  enum class Approval { Always, Ask, Never };
  std::string pattern{};  // of tools' names: "*" is any text, "?" one character
  Approval approval = Approval::Ask;
  std::vector<std::string> except{};  // patterns of names that the rule is not about
};

struct McpServerConfig {
  std::string name{};  // of letters, digits, "-" and "_"

  // Over pipes: what to start. No shell reads it.
  std::string command{};
  std::vector<std::string> args{};
  std::map<std::string, std::string> env{};  // besides the few variables that every server is given
  std::filesystem::path working_directory{};

  // Over Streamable HTTP: where to ask.
  std::string url{};
  std::map<std::string, std::string> headers{};  // secrets, as far as messages are concerned

  std::optional<McpEra> era{};                         // nothing: found out
  std::chrono::milliseconds start_time_limit{10'000};  // to its first answer; `initialize` has three times as long
  std::chrono::milliseconds call_time_limit{60'000};   // of one call, where the call says nothing else
  std::vector<McpToolRule> rules{};                    // the first that fits decides
  bool is_disabled = false;
};

// Errors   InvalidArgument: the first field that means nothing, with the server's name.
[[nodiscard]] Result<void> check(const McpServerConfig& config);

struct McpConfig {
  std::vector<McpServerConfig> servers;  // in the file's order
  std::vector<std::string> remarks;      // keys that nobody here knows: "server 'a': unknown key 'colour'"
};

// A variable's value, or nothing where it is not set.
using McpVariables = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] McpVariables environment_variables();

// Errors   InvalidArgument: no JSON (and where), no servers, a variable that is not set and has no default, an input
//          that would have to be asked for, two servers of one name, and as check(); Cancelled soon after a stop is
//          requested, while a pipe that is named as "envFile" is waited for.
[[nodiscard]] Result<McpConfig> parse_mcp_config(std::string_view text,
                                                 const McpVariables& variables = environment_variables(),
                                                 const std::stop_token& stop = {});
// file: may be a pipe.
// Errors   the same with the file's name before it; NotFound, Io.
[[nodiscard]] Result<McpConfig> read_mcp_config(const std::filesystem::path& file,
                                                const McpVariables& variables = environment_variables(),
                                                const std::stop_token& stop = {});

}  // namespace llama
