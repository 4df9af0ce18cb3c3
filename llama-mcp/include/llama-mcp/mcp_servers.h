// Several servers of the Model Context Protocol at once: started when they are first needed, started again when they
// end.
//
// A server that cannot be started is asked again after a pause (1 s, doubled up to a minute; ten times as long as the
// attempt took, where that is longer), so that a broken one costs a call little but its own message. Others are not
// touched by it.
// Threads  any number of calls at once.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-mcp/mcp_client.h"

namespace llama {

struct McpServerTool {
  std::string server;
  McpTool tool;
};

struct McpServerFailure {
  std::string server;
  Error error;
};

struct McpToolList {
  std::vector<McpServerTool> tools;        // by server in the config's order, in each as the server lists them
  std::vector<McpServerFailure> failures;  // servers that gave none, and why
};

struct McpServerHealth {
  std::string server;
  bool is_started = false;
  McpHealth health{};
  McpServerInfo info{};
  std::int32_t starts = 0;
};

struct McpServersHandlers {
  std::function<void(const std::string& server)> tools_changed{};
  std::function<void(const std::string& server, const McpLogLine&)> log{};
  std::function<McpReply(const std::string& server, const McpQuestion&, const std::stop_token&)> ask{};
};

class McpServers {
 public:
  // Starts nothing. Servers that are switched off are left out.
  //
  // Errors   InvalidArgument: as check(), or two of one name.
  [[nodiscard]] static Result<std::unique_ptr<McpServers>> create(std::vector<McpServerConfig> servers,
                                                                  McpServersHandlers handlers = {},
                                                                  const McpClientOptions& options = {});
  ~McpServers();

  [[nodiscard]] std::vector<std::string> names() const;
  // Of all servers, asked side by side. What they listed is remembered until they say that it changed.
  [[nodiscard]] McpToolList list_tools(const std::stop_token& stop = {});
  // Errors   NotFound: no such server (with those there are); else as McpClient::call_tool().
  [[nodiscard]] Result<McpToolResult> call_tool(std::string_view server, std::string_view tool,
                                                std::string_view arguments, const McpCallOptions& options = {},
                                                const std::stop_token& stop = {});
  // The server's client, started if it is not. Keeps it alive while held.
  [[nodiscard]] Result<std::shared_ptr<McpClient>> client(std::string_view server, const std::stop_token& stop = {});
  [[nodiscard]] std::vector<McpServerHealth> health() const;
  void close();

 private:
  struct State;
  explicit McpServers(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
