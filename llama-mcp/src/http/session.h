// Remember what a server and we have agreed on, and say which headers a request has because of it.
//
//   older era   initialize ── Mcp-Session-Id ──► every request carries it, and MCP-Protocol-Version
//   2026-07-28  no session: every request carries MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Param-*
//
// Headers of the config come first. Those that the protocol sets (Accept, Content-Type, Last-Event-ID, Mcp-…) are not
// taken from there.
// Threads  any.
// Source   specification 2025-11-25 and 2026-07-28, "Transports", "Streamable HTTP".
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "channel.h"
#include "http/parameter_headers.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

class HttpSession {
 public:
  explicit HttpSession(const McpServerConfig& config);

  void agree(std::string_view revision, McpEra era);
  // The answer to `initialize` came with this id; "" or one that cannot be a header's value: there is no session.
  void begin(std::string_view id);
  void learn_tool(std::string_view name, std::vector<ParameterHeader> parameters);

  [[nodiscard]] bool is_older() const;
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string revision() const;  // "": nothing is agreed
  // Whether the config has this header; any case.
  [[nodiscard]] bool has_own(std::string_view header) const;

  [[nodiscard]] std::vector<HttpHeader> headers_to_post(const OutgoingMessage& message) const;
  [[nodiscard]] std::vector<HttpHeader> headers_to_listen(std::string_view last_event_id) const;
  [[nodiscard]] std::vector<HttpHeader> headers_to_end() const;

 private:
  void add_agreed(std::vector<HttpHeader>& headers) const;  // requires the lock

  std::vector<HttpHeader> own_;
  mutable std::mutex mutex_;
  std::string id_, revision_;
  McpEra era_ = McpEra::Older;
  std::map<std::string, std::vector<ParameterHeader>, std::less<>> tools_;
};

}  // namespace llama::internal
