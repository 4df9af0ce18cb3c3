// Calls, questions and changes, against a server in memory.
#include <atomic>
#include <barrier>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "client_core_fixture.h"
#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ClientCoreTest, GivesEachOfManyCallsItsOwnAnswer) {
  // Answers come two by two, the later request's first; each round has as many requests as threads.
  constexpr int kThreads = 16, kRounds = 20;
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
  std::barrier round(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int k = 0; k < kRounds; ++k) {
          round.arrive_and_wait();
          auto result = (*core)->ask("tools/call", {{"n", i * 100 + k}}, {.limit = 60s}, {});
          right += result && (*result)["echo"] == i * 100 + k ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right, kThreads * kRounds);
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

TEST_F(ClientCoreTest, APersonWhoSaysNoIsNotAskedTheSameAgain) {
  std::atomic<int> asked{0};
  handlers.ask = [&](const McpQuestion&, const std::stop_token&) {
    ++asked;
    return McpReply{.action = McpReply::Action::Decline};
  };
  std::atomic<int> rounds{0};
  auto core = connect(of_era(McpEra::Modern, [&](const json& message) -> Answers {
    const std::string question = ++rounds == 1 ? "sure?" : "really?";
    return {result_for(message, {{"resultType", "input_required"},
                                 {"inputRequests",
                                  {{"q", {{"method", "elicitation/create"}, {"params", {{"message", question}}}}}}}})};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto result = call(**core);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().error.message, HasSubstr("it asks again what was not answered"));
  EXPECT_EQ(asked, 2);  // another question is another
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

// Whoever is told a log line knows whose it is.
TEST_F(ClientCoreTest, RemarksDoNotNameTheServerAgain) {
  std::promise<std::string> told;
  handlers.tools_changed = [] {};
  handlers.log = [&](const McpLogLine& line) { told.set_value(line.text); };
  auto core = connect(of_era(McpEra::Modern, [](const json& message) -> Answers {
    if (message["method"] != "subscriptions/listen") return {};
    return {error_for(message, -32601)};
  }));
  ASSERT_TRUE(core) << core.error().message;
  auto line = told.get_future();
  ASSERT_EQ(line.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(line.get(), "changes are not told: refused (error -32601)");
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
