// Talk to one server of the Model Context Protocol: over pipes to a child process, or over Streamable HTTP.
//
// Both generations of the protocol are spoken; which one is found out, and remembered per command line or address for
// as long as the process lives. A server over pipes is a process group of its own, without our descriptors, with a
// small environment; what it writes to its standard error is read, and its last 4 KiB are kept. Whatever happens to it,
// nothing of it survives close().
//
//   auto client = McpClient::connect({.name = "files", .command = "npx", .args = {"-y", "server-filesystem", "/srv"}});
//   auto tools = (*client)->list_tools();
//   auto result = (*client)->call_tool("read_text_file", R"({"path":"/srv/a.txt"})");
//
// Errors   InvalidArgument (the config; arguments that are no JSON object), NotFound (no such command), Network (out of
//          reach, ended, or no sensible answer; the message has what the server wrote last), AccessDenied (401 and 403:
//          which header is missing), TimedOut, Cancelled, Busy. A tool that fails is a result, not an error.
// Threads  any number of calls at once. Handlers are called on a thread of the client's own, one at a time, and may
//          make calls, but not destroy the client; what they wait for delays the next handler, not the calls. `ask` and
//          `progress` may also be called on the thread of the call that they are about.
// Cost     a thread for the handlers, and one for the pipes.
// Source   modelcontextprotocol.io/specification, revisions 2024-11-05 to 2026-07-28.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-http/http_transport.h"
#include "llama-mcp/mcp_content.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama {

struct McpProgress {
  double progress = 0;
  std::optional<double> total{};
  std::string message{};
};

struct McpLogLine {
  std::string level{}, logger{}, text{};
};

// A server's question to the person who sits there.
struct McpQuestion {
  std::string message{};
  std::string schema{};  // JSON Schema of the answer; "": none
  std::string url{};     // of a question that is answered in a browser
};

struct McpReply {
  enum class Action { Accept, Decline, Cancel };
  Action action = Action::Decline;
  std::string content{};  // JSON object, of Accept
};

struct McpHandlers {
  std::function<void()> tools_changed{}, prompts_changed{}, resources_changed{};  // a burst is told once
  std::function<void(const std::string& uri)> resource_updated{};
  std::function<void(const McpLogLine&)> log{};
  // One question at a time; none: every question is declined. The stop says that nobody waits for the answer any more.
  std::function<McpReply(const McpQuestion&, const std::stop_token&)> ask{};
};

struct McpClientOptions {
  std::string client_name = "llama-cli", client_version{};  // what the server is told
  std::size_t max_message_bytes = std::size_t{16} << 20;    // of one message
  std::int32_t max_pages = 1'000;                           // of one list
  std::chrono::milliseconds close_time_limit{2'000};        // until SIGTERM; the same again until SIGKILL
  TransportFactory transport{};                             // nothing: curl_transport()
};

struct McpCallOptions {
  std::optional<std::chrono::milliseconds> time_limit{};  // nothing: the config's. Progress extends it, at most tenfold
  std::function<void(const McpProgress&)> progress{};
};

enum class McpState { Connected, Ended };

struct McpHealth {
  McpState state = McpState::Connected;
  std::string reason{};           // of Ended
  std::int32_t pending = 0;       // calls under way
  std::uint64_t stray_lines = 0;  // that were no message of the protocol
};

class McpClient {
 public:
  [[nodiscard]] static Result<std::unique_ptr<McpClient>> connect(const McpServerConfig& config,
                                                                  McpHandlers handlers = {},
                                                                  const McpClientOptions& options = {},
                                                                  const std::stop_token& stop = {});
  ~McpClient();  // as close()

  [[nodiscard]] const McpServerInfo& info() const;

  [[nodiscard]] Result<std::vector<McpTool>> list_tools(const std::stop_token& stop = {});
  // arguments: a JSON object; "": none. A server's answer that the call is wrong is a result with is_error.
  [[nodiscard]] Result<McpToolResult> call_tool(std::string_view name, std::string_view arguments,
                                                const McpCallOptions& options = {}, const std::stop_token& stop = {});
  [[nodiscard]] Result<std::vector<McpPrompt>> list_prompts(const std::stop_token& stop = {});
  [[nodiscard]] Result<std::vector<McpPromptMessage>> get_prompt(std::string_view name, std::string_view arguments,
                                                                 const std::stop_token& stop = {});
  [[nodiscard]] Result<std::vector<McpResource>> list_resources(const std::stop_token& stop = {});
  [[nodiscard]] Result<std::vector<McpContent>> read_resource(std::string_view uri, const std::stop_token& stop = {});
  // Asks to be told of a resource's changes: McpHandlers::resource_updated.
  [[nodiscard]] Result<void> subscribe(std::string_view uri, const std::stop_token& stop = {});
  // Does it answer? Where the revision has no ping, `server/discover` is asked.
  [[nodiscard]] Result<void> ping(const std::stop_token& stop = {});

  [[nodiscard]] McpHealth health() const;
  [[nodiscard]] std::string last_words() const;  // the end of its standard error
  // Ends what runs with Cancelled, the server's input, then its process group: SIGTERM, SIGKILL.
  void close();

 private:
  struct State;
  explicit McpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
