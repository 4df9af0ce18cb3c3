// Which era and revision are agreed on, against a server in memory.
#include <map>

#include "client_core_fixture.h"

namespace llama::internal {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace llama::internal
