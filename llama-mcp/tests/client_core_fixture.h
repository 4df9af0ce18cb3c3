// A client of the protocol whose server is a function of the test's.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client_core.h"
#include "scripted_channel.h"

namespace llama::internal {

using namespace std::chrono_literals;
using json = nlohmann::ordered_json;
using End = RequestFailure::End;
using Answers = std::vector<json>;

inline json modern_discovery() {
  return {{"resultType", "complete"},
          {"supportedVersions", {"2026-07-28"}},
          {"capabilities", {{"tools", {{"listChanged", true}}}, {"resources", {{"subscribe", true}}}}},
          {"instructions", "be kind"},
          {"_meta", {{"io.modelcontextprotocol/serverInfo", {{"name", "new"}, {"version", "2"}}}}}};
}

inline json older_greeting(const std::string& revision = "2025-11-25") {
  return {{"protocolVersion", revision},
          {"capabilities", {{"tools", json::object()}}},
          {"serverInfo", {{"name", "old"}, {"version", "1"}}}};
}

// A server of one era; other methods are the test's.
inline ScriptedServer::Script of_era(McpEra era, ScriptedServer::Script others) {
  return [era, others](const json& message) -> Answers {
    const std::string method = message["method"];
    if (!message.contains("id")) return others(message);
    if (method == "server/discover") {
      return {era == McpEra::Modern ? result_for(message, modern_discovery()) : error_for(message, -32601)};
    }
    if (method == "initialize")
      return {era == McpEra::Older ? result_for(message, older_greeting()) : error_for(message, -32601)};
    return others(message);
  };
}

class ClientCoreTest : public testing::Test {
 protected:
  std::shared_ptr<ScriptedServer> server;
  EraMemory memory;
  McpHandlers handlers;
  McpServerConfig config{.name = "s", .command = "c", .start_time_limit = 20s, .call_time_limit = 20s};
  McpClientOptions options{.client_version = "1.2"};

  Result<std::unique_ptr<ClientCore>> connect(ScriptedServer::Script script) {
    server = std::make_shared<ScriptedServer>(std::move(script));
    return reconnect();
  }
  Result<std::unique_ptr<ClientCore>> reconnect() {
    return ClientCore::connect({.config = config,
                                .handlers = handlers,
                                .options = options,
                                .make_channel = [this] { return std::make_unique<ScriptedChannel>(server); },
                                .memory = &memory},
                               {});
  }
  static RequestResult call(ClientCore& core, RequestOptions call_options = {.limit = 20s, .has_progress = true}) {
    return core.ask("tools/call", {{"name", "t"}, {"arguments", json::object()}}, call_options, {});
  }
};

inline Answers nothing(const json& message) { return (void)message, Answers{}; }

}  // namespace llama::internal
