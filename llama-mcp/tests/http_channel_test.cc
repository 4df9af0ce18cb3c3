// The client over HTTP: what it sends in both eras, streams and sessions, against a server in memory.
#include <algorithm>
#include <thread>

#include "http_server_fixture.h"

namespace llama::internal {
namespace {

using testing::HasSubstr;

TEST_F(HttpServerTest, OlderRequestsCarrySessionAndRevision) {
  serve(McpEra::Older,
        [](const auto&, const json& message) { return json_answer(result_to(message, text_result("ok"))); });
  config.headers = {{"Authorization", "Bearer secret"}, {"Accept", "x"}, {"Mcp-Method", "x"}};
  auto client = connect();
  EXPECT_EQ(call(*client), "ok");
  client->close();
  const auto greeting = requests("initialize").at(0), work = requests("tools/call").at(0);
  EXPECT_EQ(header(greeting, "Mcp-Session-Id"), "-");
  EXPECT_EQ(header(greeting, "MCP-Protocol-Version"), "-");
  EXPECT_EQ(header(work, "Mcp-Session-Id"), "session-1");
  EXPECT_EQ(header(work, "MCP-Protocol-Version"), "2025-11-25");
  EXPECT_EQ(header(work, "Accept"), "application/json, text/event-stream");
  EXPECT_EQ(header(work, "Content-Type"), "application/json");
  EXPECT_EQ(header(work, "Authorization"), "Bearer secret");
  EXPECT_EQ(header(work, "Mcp-Method"), "-");
  EXPECT_EQ(requests("GET").size(), 1U) << "405 is no reason to ask again";
  EXPECT_EQ(header(requests("DELETE").at(0), "Mcp-Session-Id"), "session-1");
}

TEST_F(HttpServerTest, ModernRequestsCarryMethodNameAndParameters) {
  tools = json::parse(R"([{"name":"t","inputSchema":{"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"},
    "b":{"type":"boolean","x-mcp-header":"B"},"none":{"type":"string","x-mcp-header":"None"},
    "in":{"type":"object","properties":{"deep":{"type":"string","x-mcp-header":"Deep"}}}}}},
    {"name":"bad","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}])");
  serve(McpEra::Modern,
        [](const auto&, const json& message) { return json_answer(result_to(message, text_result("ok"))); });
  auto client = connect();
  const auto listed = client->list_tools();
  ASSERT_EQ(listed->size(), 1U) << "a tool whose header cannot be sent is left out";
  EXPECT_EQ(call(*client, R"({"region":"Zürich","n":42.0,"b":false,"none":null,"in":{"deep":" x"}})"), "ok");
  client->close();
  const auto work = requests("tools/call").at(0);
  EXPECT_EQ(header(work, "MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(header(work, "Mcp-Method"), "tools/call");
  EXPECT_EQ(header(work, "Mcp-Name"), "t");
  EXPECT_EQ(header(work, "Mcp-Param-Region"), "=?base64?WsO8cmljaA==?=");
  EXPECT_EQ(header(work, "Mcp-Param-N"), "42");
  EXPECT_EQ(header(work, "Mcp-Param-B"), "false");
  EXPECT_EQ(header(work, "Mcp-Param-None"), "-");
  EXPECT_EQ(header(work, "Mcp-Param-Deep"), "=?base64?IHg=?=");
  EXPECT_EQ(header(work, "Mcp-Session-Id"), "-");
  EXPECT_TRUE(requests("GET").empty());
  EXPECT_TRUE(requests("DELETE").empty());
}

TEST_F(HttpServerTest, FallsBackToTheOlderEraHoweverItIsRefused) {
  const auto old = [this](std::function<MemoryAnswer(const json&)> refuse) {
    serve(McpEra::Older, [refuse](const auto&, const json& message) { return refuse(message); });
    config.era.reset();
    config.url += "x";  // eras are remembered by address
  };
  for (const int status : {400, 404, 405, 406, 415, 500, 501}) {
    int calls = 0;
    old([&](const json&) { return MemoryAnswer{.status = 400}; });
    server.handle([&, status](const HttpRequest& request) -> MemoryAnswer {
      const json message = sent(request);
      if (message.value("method", "") == "server/discover")
        return ++calls, MemoryAnswer{.status = status, .pieces = {"no"}};
      if (message.value("method", "") == "initialize")
        return json_answer(result_to(message, {{"protocolVersion", "2025-06-18"}, {"capabilities", json::object()}}));
      return {.status = request.method == "GET" ? 405 : 202};
    });
    auto client = connect();
    ASSERT_NE(client, nullptr) << status;
    EXPECT_EQ(client->info().revision, "2025-06-18") << status;
    EXPECT_EQ(calls, 1);
  }
}

TEST_F(HttpServerTest, AnErrorInABodyIsTheAnswer) {
  serve(McpEra::Modern, [](const auto&, const json&) {
    return json_answer(
        {{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", -32602}, {"message", "no such city"}}}}, 400);
  });
  auto client = connect();
  EXPECT_EQ(call(*client), "no such city");
}

TEST_F(HttpServerTest, AStreamBringsProgressAndTheAnswer) {
  serve(McpEra::Modern, [](const auto&, const json& message) {
    const json progress{{"jsonrpc", "2.0"},
                        {"method", "notifications/progress"},
                        {"params", {{"progressToken", message["id"]}, {"progress", 1}}}};
    const json other{{"jsonrpc", "2.0"}, {"id", 999}, {"result", json::object()}};
    return MemoryAnswer{.headers = kEvents,
                        .pieces = {": hello\n\n", event(progress), event(other), "data: no json\n\n",
                                   event(result_to(message, text_result("done"))), "data: more\n\n"},
                        .stays_open = true};
  });
  auto client = connect();
  int told = 0;
  for (int i = 0; i < 40; ++i) {  // more than there are threads: streams that do not end are ended
    EXPECT_EQ(call(*client, "{}", {.progress = [&](const McpProgress&) { ++told; }}), "done");
  }
  EXPECT_GT(told, 0);
  EXPECT_GE(client->health().stray_lines, 40U);
}

TEST_F(HttpServerTest, ABrokenStreamIsTakenUpAgain) {
  serve(McpEra::Older, [](const auto&, const json&) {
    return MemoryAnswer{.headers = kEvents, .pieces = {"id: e1\nretry: 100\ndata:\n\n"}, .end = TransferEnd::Broken};
  });
  std::atomic<int> gets{0};
  on_get = [&](const HttpRequest& request) -> MemoryAnswer {
    if (header(request, "Last-Event-ID") == "-") return {.status = 405};
    if (++gets == 1) return {.headers = kEvents, .pieces = {"id: e2\ndata:\n\n"}, .end = TransferEnd::Broken};
    if (gets == 2) return {.status = 503};
    const json answer{{"jsonrpc", "2.0"}, {"id", 3}, {"result", text_result("late")}};
    return {.headers = kEvents, .pieces = {event(answer)}};
  };
  auto client = connect();
  // Its number: discover is not asked, initialize is 1, so the first call is 2, and this one 3.
  ASSERT_TRUE(client->list_tools().has_value());
  EXPECT_EQ(call(*client), "late");
  const auto all = requests("GET");
  EXPECT_EQ(header(all.at(1), "Last-Event-ID"), "e1");
  EXPECT_EQ(header(all.at(2), "Last-Event-ID"), "e2");
  EXPECT_EQ(requests("tools/call").size(), 1U) << "it is not sent again";
}

TEST_F(HttpServerTest, AStreamThatCannotBeTakenUpIsAnError) {
  serve(McpEra::Older, [](const auto&, const json&) {
    return MemoryAnswer{.headers = kEvents, .pieces = {"id: e1\nretry: 0\ndata:\n\n"}};
  });
  auto client = connect();
  EXPECT_THAT(call(*client), HasSubstr("cannot be taken up again (status 405)"));
  EXPECT_EQ(code, ErrorCode::Network);
}

TEST_F(HttpServerTest, ALostSessionIsBegunAnewOnce) {
  std::atomic<int> calls{0};
  serve(McpEra::Older, [&](const HttpRequest& request, const json& message) {
    ++calls;
    if (header(request, "Mcp-Session-Id") == "session-1") return MemoryAnswer{.status = 404};
    return json_answer(result_to(message, text_result("again")));
  });
  auto client = connect();
  EXPECT_EQ(call(*client), "again");
  EXPECT_EQ(sessions, 2);
  EXPECT_EQ(calls, 2);
}

TEST_F(HttpServerTest, ASessionThatIsLostAgainAndAgainIsAnError) {
  serve(McpEra::Older, [](const auto&, const json&) {
    return json_answer(
        {{"jsonrpc", "2.0"}, {"id", nullptr}, {"error", {{"code", -32000}, {"message", "No valid session ID"}}}}, 400);
  });
  auto client = connect();
  EXPECT_THAT(call(*client), HasSubstr("no longer knows the session"));
  EXPECT_EQ(sessions, 2);
}

TEST_F(HttpServerTest, AQuestionInAStreamIsAnsweredByPost) {
  handlers.ask = [](const McpQuestion&, const std::stop_token&) {
    return McpReply{.action = McpReply::Action::Accept, .content = R"({"a":1})"};
  };
  serve(McpEra::Older, [](const auto&, const json& message) {
    const json question{
        {"jsonrpc", "2.0"}, {"id", "q1"}, {"method", "elicitation/create"}, {"params", {{"message", "?"}}}};
    return MemoryAnswer{.headers = kEvents,
                        .pieces = {event(question), event(result_to(message, text_result("asked")))}};
  });
  auto client = connect();
  EXPECT_EQ(call(*client), "asked");
  const auto is_answer = [](const HttpRequest& each) { return each.body && sent(each).value("id", json()) == "q1"; };
  for (int i = 0; i < 500 && std::ranges::none_of(server.requests(), is_answer); ++i) std::this_thread::sleep_for(10ms);
  ASSERT_TRUE(std::ranges::any_of(server.requests(), is_answer));
  for (const auto& each : server.requests()) {
    if (is_answer(each)) {
      EXPECT_EQ(sent(each)["result"]["content"]["a"], 1);
    }
  }
}

TEST_F(HttpServerTest, WhatTheServerSaysOnItsOwnArrives) {
  std::atomic<bool> is_told{false};
  handlers.tools_changed = [&] { is_told = true; };
  on_get = [](const HttpRequest&) -> MemoryAnswer {
    return {.headers = kEvents,
            .pieces = {event({{"jsonrpc", "2.0"}, {"method", "notifications/tools/list_changed"}})},
            .stays_open = true};
  };
  serve(McpEra::Older,
        [](const auto&, const json& message) { return json_answer(result_to(message, text_result("ok"))); });
  auto client = connect();
  for (int i = 0; i < 1'000 && !is_told; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(is_told);
}

}  // namespace
}  // namespace llama::internal
