// The client over HTTP, against a server in memory whose calls are the test's.
#pragma once
#include <gmock/gmock.h>

#include <atomic>
#include <format>
#include <nlohmann/json.hpp>

#include "http/http_channel.h"
#include "llama-http/memory_transport.h"
#include "protocol/mcp_json.h"

namespace llama::internal {

using namespace std::chrono_literals;
using json = nlohmann::ordered_json;

inline const std::vector<HttpHeader> kJson{{"content-type", "application/json"}};
inline const std::vector<HttpHeader> kEvents{{"content-type", "text/event-stream; charset=utf-8"}};

inline std::string header(const HttpRequest& request, const std::string& name) {
  for (const auto& each : request.headers) {
    if (each.name == name) return each.value;
  }
  return "-";
}

inline json sent(const HttpRequest& request) { return json::parse(request.body.value_or("{}")); }

inline MemoryAnswer json_answer(const json& message, int status = 200) {
  return {.status = status, .headers = kJson, .pieces = {message.dump()}};
}
inline json result_to(const json& request, const json& result) {
  return {{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", result}};
}
inline json text_result(const std::string& text) { return {{"content", {{{"type", "text"}, {"text", text}}}}}; }
inline std::string event(const json& message, const std::string& id = "") {
  return (id.empty() ? "" : "id: " + id + "\n") + "data: " + message.dump() + "\n\n";
}

// A server whose tool calls are the test's; GET and DELETE are refused unless the test answers them.
class HttpServerTest : public testing::Test {
 protected:
  using Calls = std::function<MemoryAnswer(const HttpRequest&, const json&)>;
  MemoryServer server;
  McpServerConfig config{
      .name = "s", .url = "http://127.0.0.1:1/mcp?key=hidden-key", .start_time_limit = 20s, .call_time_limit = 20s};
  McpHandlers handlers;
  McpClientOptions options;
  std::function<MemoryAnswer(const HttpRequest&)> on_get = [](const HttpRequest&) {
    return MemoryAnswer{.status = 405};
  };
  json tools = json::array({{{"name", "t"}, {"inputSchema", {{"type", "object"}}}}});
  std::atomic<int> sessions{0};

  void serve(McpEra era, Calls calls) {
    config.era = era;
    server.handle([this, calls](const HttpRequest& request) {
      if (request.method == "GET") return on_get(request);
      if (request.method == "DELETE") return MemoryAnswer{.status = 200};
      const json message = sent(request);
      if (!message.contains("id") || !message.contains("method")) return MemoryAnswer{.status = 202};
      const std::string method = message["method"];
      if (method == "server/discover") {
        return json_answer(
            result_to(message, {{"supportedVersions", {"2026-07-28"}}, {"capabilities", {{"tools", json::object()}}}}));
      }
      if (method == "initialize") {
        auto answer = json_answer(
            result_to(message, {{"protocolVersion", "2025-11-25"}, {"capabilities", {{"tools", json::object()}}}}));
        answer.headers.push_back({"mcp-session-id", std::format("session-{}", ++sessions)});
        return answer;
      }
      if (method == "tools/list") return json_answer(result_to(message, {{"tools", tools}}));
      return calls(request, message);
    });
  }
  std::unique_ptr<McpClient> connect() {
    options.transport = server.factory();
    auto client = McpClient::connect(config, handlers, options);
    if (!client) ADD_FAILURE() << client.error().message;
    return client ? std::move(*client) : nullptr;
  }
  // What the call says: its text, or the error.
  std::string call(McpClient& client, const std::string& arguments = "{}", McpCallOptions call_options = {}) {
    const auto result = client.call_tool("t", arguments, call_options);
    if (result) return text_of(*result);
    code = result.error().code;
    return result.error().message;
  }
  std::vector<HttpRequest> requests(const std::string& method) {
    std::vector<HttpRequest> found;
    for (const auto& each : server.requests()) {
      if (each.method == method || sent(each).value("method", "") == method) found.push_back(each);
    }
    return found;
  }
  ErrorCode code = ErrorCode::Internal;
};

}  // namespace llama::internal
