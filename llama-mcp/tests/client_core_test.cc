// The protocol, against a server in memory.
#include "client/client_core.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <thread>

#include "protocol/mcp_json.h"
#include "scripted_channel.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using End = RequestFailure::End;

using Answers = std::vector<json>;

json modern_discovery() {
  return {{"resultType", "complete"},
          {"supportedVersions", {"2026-07-28"}},
          {"capabilities", {{"tools", {{"listChanged", true}}}, {"resources", {{"subscribe", true}}}}},
          {"instructions", "be kind"},
          {"_meta", {{"io.modelcontextprotocol/serverInfo", {{"name", "new"}, {"version", "2"}}}}}};
}

json older_greeting(const std::string& revision = "2025-11-25") {
  return {{"protocolVersion", revision},
          {"capabilities", {{"tools", json::object()}}},
          {"serverInfo", {{"name", "old"}, {"version", "1"}}}};
}

// A server of one era; other methods are the test's.
ScriptedServer::Script of_era(McpEra era, ScriptedServer::Script others) {
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

Answers nothing(const json& message) { return (void)message, Answers{}; }

TEST_F(ClientCoreTest, SpeaksTheModernRevisionWithoutAGreeting) {
  auto core = connect(of_era(McpEra::Modern, [](const json& message) -> Answers {
    return {result_for(message, {{"content", json::array()}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  EXPECT_EQ((*core)->info().name, "new");
  EXPECT_EQ((*core)->info().instructions, "be kind");
  EXPECT_EQ(server->revision(), "2026-07-28");
  ASSERT_TRUE(call(**core));
  EXPECT_TRUE(server->seen("initialize").empty());
  EXPECT_TRUE(server->seen("notifications/initialized").empty());
  const json meta = server->seen("tools/call").front()["params"]["_meta"];
  EXPECT_EQ(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
  EXPECT_EQ(meta["io.modelcontextprotocol/clientInfo"], (json{{"name", "llama-cli"}, {"version", "1.2"}}));
  EXPECT_EQ(meta["io.modelcontextprotocol/clientCapabilities"], json::object());
  EXPECT_EQ(meta["progressToken"], server->seen("tools/call").front()["id"]);
  EXPECT_EQ(server->seen("server/discover").front()["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"],
            "2026-07-28");
  EXPECT_TRUE((*core)->ping({}));
  EXPECT_TRUE(server->seen("ping").empty());
}

TEST_F(ClientCoreTest, GreetsAnOlderServerAndRemembersIt) {
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  const json greeting = server->seen("initialize").front()["params"];
  EXPECT_EQ(greeting, (json{{"protocolVersion", "2025-11-25"},
                            {"capabilities", json::object()},
                            {"clientInfo", {{"name", "llama-cli"}, {"version", "1.2"}}}}));
  EXPECT_EQ(server->seen("notifications/initialized").size(), 1U);
  EXPECT_EQ(server->opened, 1);
  (*core)->close();
  ASSERT_TRUE(reconnect());
  EXPECT_EQ(server->seen("server/discover").size(), 1U);
  EXPECT_EQ(server->seen("initialize").size(), 2U);
}

// What is no modern answer is an older server, whatever it is.
TEST_F(ClientCoreTest, TakesEveryOtherAnswerForAnOlderServer) {
  const std::map<std::string, std::function<Answers(const json&)>> kRows = {
      {"method not found", [](const json& m) { return Answers{error_for(m, -32601)}; }},
      {"invalid request", [](const json& m) { return Answers{error_for(m, -32600)}; }},
      {"not initialized", [](const json& m) { return Answers{error_for(m, -32002)}; }},
      {"no id",
       [](const json&) {
         return Answers{json{{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", -32600}, {"message", ""}}}}};
       }},
      {"a result of something else", [](const json& m) { return Answers{result_for(m, json::object())}; }},
      {"a result that is null", [](const json& m) { return Answers{result_for(m, nullptr)}; }},
      {"older revisions only",
       [](const json& m) { return Answers{result_for(m, {{"supportedVersions", {"2025-11-25"}}})}; }},
      {"unsupported, older named",
       [](const json& m) { return Answers{error_for(m, -32022, {{"supported", {"2025-06-18"}}})}; }},
      {"unsupported, none named", [](const json& m) { return Answers{error_for(m, -32022)}; }},
  };
  for (const auto& [name, discovery] : kRows) {
    memory.forget(config);
    auto core = connect([&](const json& message) -> Answers {
      if (message["method"] == "server/discover") return discovery(message);
      return message["method"] == "initialize" ? Answers{result_for(message, older_greeting("2025-03-26"))} : Answers{};
    });
    ASSERT_TRUE(core) << name << ": " << core.error().message;
    EXPECT_EQ((*core)->info().revision, "2025-03-26") << name;
  }
}

TEST_F(ClientCoreTest, SaysSoWhereNoRevisionIsInCommon) {
  auto core = connect(
      [](const json& message) -> Answers { return {error_for(message, -32022, {{"supported", {"2031-01-01"}}})}; });
  ASSERT_FALSE(core);
  EXPECT_EQ(core.error().message,
            "server 's': it speaks the protocol's revision 2031-01-01, and known here are 2024-11-05 to 2026-07-28");
  config.era = McpEra::Modern;
  core = connect(of_era(McpEra::Older, nothing));
  ASSERT_FALSE(core);
  EXPECT_THAT(core.error().message, HasSubstr("which its config asks for"));
}

TEST_F(ClientCoreTest, BeginsAnewWhereTheFirstQuestionGetsNoAnswer) {
  config.start_time_limit = 50ms;
  auto core = connect([](const json& message) -> Answers {
    return message["method"] == "initialize" ? Answers{result_for(message, older_greeting())} : Answers{};
  });
  ASSERT_TRUE(core) << core.error().message;
  EXPECT_EQ(server->opened, 2);
  EXPECT_TRUE(server->seen("notifications/cancelled").empty());
}

TEST_F(ClientCoreTest, DoesNotTakeARefusedConnectionForAnEra) {
  auto core = connect([&](const json& message) -> Answers {
    server->fail(message["id"].dump(), {ErrorCode::AccessDenied, "401"});
    return {};
  });
  ASSERT_FALSE(core);
  EXPECT_EQ(core.error().code, ErrorCode::AccessDenied);
  EXPECT_TRUE(server->seen("initialize").empty());
}

TEST_F(ClientCoreTest, GivesEachOfManyCallsItsOwnAnswer) {
  // Answers come two by two, the later request's first.
  auto held = std::make_shared<std::optional<json>>();
  auto lock = std::make_shared<std::mutex>();
  auto core = connect(of_era(McpEra::Older, [=](const json& message) -> Answers {
    if (!message.contains("id")) return {};
    const std::scoped_lock guard(*lock);
    const json answer = result_for(message, {{"echo", message["params"]["n"]}});
    if (!*held) return *held = answer, Answers{};
    return {answer, *std::exchange(*held, std::nullopt)};
  }));
  ASSERT_TRUE(core) << core.error().message;
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        for (int k = 0; k < 20; ++k) {
          auto result = (*core)->ask("tools/call", {{"n", i * 100 + k}}, {.limit = 60s}, {});
          right += result && (*result)["echo"] == i * 100 + k ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right, 320);
}

TEST_F(ClientCoreTest, CancelsWhatTookTooLongAndIgnoresItsAnswer) {
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core, {.limit = 20ms});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().end, End::TimedOut);
  const json request = server->seen("tools/call").front();
  EXPECT_EQ(server->seen("notifications/cancelled").front()["params"]["requestId"], request["id"]);
  EXPECT_THAT(server->abandoned(), ElementsAre(request["id"].dump()));
  server->say(result_for(request, json::object()));  // late
  EXPECT_EQ((*core)->session().health().pending, 0);
}

TEST_F(ClientCoreTest, AnswersTheServersRequests) {
  handlers.ask = [](const McpQuestion& question, const std::stop_token&) {
    EXPECT_EQ(question.message, "name?");
    EXPECT_EQ(question.schema, R"({"type":"object"})");
    return McpReply{.action = McpReply::Action::Accept, .content = R"({"name":"Ada"})"};
  };
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  EXPECT_EQ(server->seen("initialize").front()["params"]["capabilities"],
            (json{{"elicitation", {{"form", json::object()}, {"url", json::object()}}}}));
  server->say(json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", "ping"}});
  server->say(json{{"jsonrpc", "2.0"}, {"id", "x"}, {"method", "roots/list"}});
  server->say(json{{"jsonrpc", "2.0"}, {"id", 2}, {"method", "sampling/createMessage"}, {"params", json::object()}});
  server->say(json{{"jsonrpc", "2.0"},
                   {"id", 3},
                   {"method", "elicitation/create"},
                   {"params", {{"message", "name?"}, {"requestedSchema", {{"type", "object"}}}}}});
  std::map<std::string, json> answers;
  for (const auto& each : server->wait_for("", 4)) answers[each["id"].dump()] = each;
  EXPECT_EQ(answers["1"]["result"], json::object());
  EXPECT_EQ(answers["\"x\""]["error"]["code"], -32601);
  EXPECT_EQ(answers["2"]["error"]["code"], -32601);
  EXPECT_EQ(answers["3"]["result"], (json{{"action", "accept"}, {"content", {{"name", "Ada"}}}}));
}

TEST_F(ClientCoreTest, DeclinesQuestionsWhereNobodyIsThere) {
  auto core = connect(of_era(McpEra::Older, nothing));
  ASSERT_TRUE(core) << core.error().message;
  server->say(
      json{{"jsonrpc", "2.0"}, {"id", 3}, {"method", "elicitation/create"}, {"params", {{"message", "name?"}}}});
  EXPECT_EQ(server->wait_for("", 1).front()["result"], (json{{"action", "decline"}}));
}

// A person thinks for longer than the call may take.
TEST_F(ClientCoreTest, StopsTheClockWhileAPersonIsAsked) {
  handlers.ask = [](const McpQuestion&, const std::stop_token&) {
    std::this_thread::sleep_for(600ms);
    return McpReply{};
  };
  auto core = connect([&](const json& message) -> Answers {
    const std::string method = message.value("method", "");
    if (method == "initialize") return {result_for(message, older_greeting())};
    if (method == "server/discover") return {error_for(message, -32601)};
    if (method != "tools/call") return {};
    std::thread([this, message] {
      (void)server->wait_for("", 1);
      server->say(result_for(message, json::object()));
    }).detach();
    return {json{{"jsonrpc", "2.0"}, {"id", 3}, {"method", "elicitation/create"}, {"params", {{"message", "?"}}}}};
  });
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core, {.limit = 400ms});
  EXPECT_TRUE(result) << result.error().error.message;
}

TEST_F(ClientCoreTest, AnswersInputThatIsRequired) {
  int asked = 0;
  handlers.ask = [&](const McpQuestion& question, const std::stop_token&) {
    ++asked;
    EXPECT_EQ(question.message, "sure?");
    return McpReply{.action = McpReply::Action::Accept, .content = R"({"sure":true})"};
  };
  auto core = connect(of_era(McpEra::Modern, [](const json& message) -> Answers {
    const json& params = message["params"];
    if (!params.contains("requestState")) {
      return {result_for(
          message, {{"resultType", "input_required"},
                    {"inputRequests", {{"q", {{"method", "elicitation/create"}, {"params", {{"message", "sure?"}}}}}}},
                    {"requestState", "opaque"}})};
    }
    return {result_for(message, {{"resultType", "complete"},
                                 {"seen", {params["inputResponses"], params["requestState"], params["name"]}}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ((*result)["seen"], (json{{{"q", {{"action", "accept"}, {"content", {{"sure", true}}}}}}, "opaque", "t"}));
  EXPECT_EQ(asked, 1);
  const auto calls = server->seen("tools/call");
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_NE(calls[0]["id"], calls[1]["id"]);
}

TEST_F(ClientCoreTest, DoesNotAskForEver) {
  auto core = connect(of_era(McpEra::Modern, [](const json& message) -> Answers {
    return {result_for(message, {{"resultType", "input_required"}, {"requestState", "x"}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().error.message, HasSubstr("it asked back more than 10 times"));
}

TEST_F(ClientCoreTest, RefusesInputThatItCannotGive) {
  auto core = connect(of_era(McpEra::Modern, [](const json& message) -> Answers {
    return {result_for(message, {{"resultType", "input_required"},
                                 {"inputRequests", {{"q", {{"method", "sampling/createMessage"}}}}}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().error.message, HasSubstr("'sampling/createMessage', which is not offered"));
}

TEST_F(ClientCoreTest, ListensForChangesInTheModernEra) {
  std::atomic<int> changes{0};
  std::atomic<bool> is_updated{false};
  handlers.tools_changed = [&] { ++changes; };
  handlers.resource_updated = [&](const std::string& uri) { is_updated = uri == "file:///a"; };
  auto core = connect(of_era(McpEra::Modern, [&](const json& message) -> Answers {
    if (message["method"] != "subscriptions/listen") return {};
    return {json{{"jsonrpc", "2.0"},
                 {"method", "notifications/subscriptions/acknowledged"},
                 {"params",
                  {{"_meta", {{"io.modelcontextprotocol/subscriptionId", message["id"]}}},
                   {"notifications", message["params"]["notifications"]}}}}};
  }));
  ASSERT_TRUE(core) << core.error().message;
  const json listen = server->wait_for("subscriptions/listen", 1).front();
  EXPECT_EQ(listen["params"]["notifications"], (json{{"toolsListChanged", true}}));
  for (int i = 0; i < 100; ++i) server->say(json{{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}});
  for (int i = 0; i < 5'000 && changes == 0; ++i) std::this_thread::sleep_for(2ms);
  EXPECT_GE(changes, 1);
  EXPECT_LT(changes, 100);

  auto subscribed = (*core)->subscribe("file:///a", {});
  ASSERT_TRUE(subscribed) << subscribed.error().message;
  const auto listens = server->seen("subscriptions/listen");
  ASSERT_EQ(listens.size(), 2U);
  EXPECT_EQ(listens[1]["params"]["notifications"],
            (json{{"toolsListChanged", true}, {"resourceSubscriptions", {"file:///a"}}}));
  EXPECT_EQ(server->wait_for("notifications/cancelled", 1).front()["params"]["requestId"], listen["id"]);
  server->say(
      json{{"jsonrpc", "2.0"}, {"method", "notifications/resources/updated"}, {"params", {{"uri", "file:///a"}}}});
  for (int i = 0; i < 5'000 && !is_updated; ++i) std::this_thread::sleep_for(2ms);
  EXPECT_TRUE(is_updated);

  // The stream breaks: another is opened, and what may have been missed is told.
  const int before = changes;
  server->fail(listens[1]["id"].dump(), {ErrorCode::Network, "broken"});
  EXPECT_EQ(server->wait_for("subscriptions/listen", 3).size(), 3U);
  for (int i = 0; i < 5'000 && changes == before; ++i) std::this_thread::sleep_for(2ms);
  EXPECT_GT(changes, before);
}

TEST_F(ClientCoreTest, BeginsALostSessionAnewAndAsksAgain) {
  std::atomic<bool> is_lost{false};
  auto core = connect(of_era(McpEra::Older, [&](const json& message) -> Answers {
    if (message["method"] != "tools/call") return {};
    if (!is_lost.exchange(true)) return server->lose_session(message["id"].dump()), Answers{};
    return {result_for(message, json::object())};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ(server->seen("initialize").size(), 2U);
  EXPECT_EQ(server->seen("tools/call").size(), 2U);
  EXPECT_EQ(server->revision(), "2025-11-25");
}

TEST_F(ClientCoreTest, ReadsBatchesAndCountsWhatIsNoMessage) {
  auto core = connect(of_era(McpEra::Older, [&](const json& message) -> Answers {
    if (message["method"] != "tools/call") return {};
    return {
        json::array({json{{"jsonrpc", "2.0"}, {"method", "notifications/unknown"}}, result_for(message, {{"a", 1}})})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  for (const char* stray : {"{", "1", "\"a\"", "{}", R"({"id":1})", R"({"method":1})", R"({"id":{},"method":"ping"})",
                            R"({"id":1.5,"result":1})"}) {
    server->say(std::string(stray));
  }
  server->say(std::string(100'000, '['));
  auto result = call(**core);
  ASSERT_TRUE(result) << result.error().error.message;
  EXPECT_EQ((*core)->session().health().stray_lines, 9U);
}

TEST_F(ClientCoreTest, FailsEveryCallWhenTheServerEnds) {
  auto core = connect(of_era(McpEra::Older, [&](const json& message) -> Answers {
    if (message["method"] == "tools/call") server->end({ErrorCode::Network, "it ended with exit status 9"});
    return {};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().end, End::Ended);
  EXPECT_EQ(result.error().error.message, "server 's': it ended with exit status 9");
}

// A server's words may hold what rewrites a terminal.
TEST_F(ClientCoreTest, QuotesARefusalInOneLineWithoutControlCharacters) {
  auto core = connect(of_era(McpEra::Older, [](const json& message) -> Answers {
    if (!message.contains("id")) return {};
    return {json{{"jsonrpc", "2.0"}, {"id", message["id"]}, {"error", {{"code", -32603}, {"message", "a\n\x1b[2Jb"}}}}};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.message, "server 's': a | [2Jb (error -32603)");
}

}  // namespace
}  // namespace llama::internal
