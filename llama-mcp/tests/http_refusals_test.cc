// The client over HTTP where it goes wrong: refusals, redirects, limits, a call that is never answered.
#include <thread>

#include "http_server_fixture.h"

namespace llama::internal {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_F(HttpServerTest, RefusalsSayWhatToDo) {
  struct Row {
    MemoryAnswer answer;
    ErrorCode code;
    const char* words;
  };
  const std::vector<Row> rows{
      {{.status = 401}, ErrorCode::AccessDenied, "wants the header 'Authorization'"},
      {{.status = 401}, ErrorCode::AccessDenied, "OAuth is not supported"},
      {{.status = 403, .pieces = {"not you"}}, ErrorCode::AccessDenied, "403: who comes without"},
      {{.status = 429, .headers = {{"retry-after", "7"}}}, ErrorCode::Busy, "after 7 s"},
      {{.status = 500, .pieces = {"oops"}}, ErrorCode::Network, "status 500: oops"},
      {{.status = 418, .headers = {{"content-type", "text/html"}}, .pieces = {"<html>"}},
       ErrorCode::InvalidArgument,
       "status 418"},
      {{.status = 200, .headers = {{"content-type", "text/html"}}, .pieces = {"<html>"}},
       ErrorCode::Network,
       "answers with 'text/html'"},
      {{.status = 202}, ErrorCode::Network, "status 202 without an answer"},
      {{.status = 200, .headers = kJson, .pieces = {"{\"jsonr"}}, ErrorCode::Network, "no answer to this request"},
      {{.status = 200, .headers = kJson, .pieces = {"{\"jsonr"}, .end = TransferEnd::Broken, .reason = "reset"},
       ErrorCode::Network,
       "broke within the answer: reset"},
      {{.status = 200, .headers = kJson, .pieces = {R"({"jsonrpc":"2.0","id":77,"result":{}})"}},
       ErrorCode::Network,
       "no answer to this request"},
      {{.status = 200, .headers = kEvents, .pieces = {"data: {\"jsonr"}},
       ErrorCode::Network,
       "ended without the answer"},
      {{.status = 0, .end = TransferEnd::Broken, .reason = "refused"}, ErrorCode::Network, "refused"},
      {{.status = 0, .end = TransferEnd::Hopeless, .reason = "SSL certificate problem"},
       ErrorCode::Network,
       "SSL certificate problem"},
      {{.status = 307, .headers = {{"location", "https://other.example/mcp?s=hidden"}}},
       ErrorCode::Network,
       "redirects to https://other.example:443;"},
      {{.status = 307, .headers = {{"location", "/mcp?key=hidden-key"}}}, ErrorCode::Network, "in a circle"},
      {{.status = 301, .headers = {{"location", "/new"}}}, ErrorCode::Network, "redirects to 'http://127.0.0.1:1/new'"},
  };
  for (const auto& row : rows) {
    serve(McpEra::Modern, [&](const auto&, const json&) { return row.answer; });
    auto client = connect();
    EXPECT_THAT(call(*client), AllOf(HasSubstr(row.words), HasSubstr("server 's': "), Not(HasSubstr("hidden"))));
    EXPECT_EQ(code, row.code) << row.words;
  }
}

TEST_F(HttpServerTest, AToolThatWantsOtherHeadersIsListedAgainOnce) {
  const json plain = tools;
  const json wanting = json::array(
      {{{"name", "t"},
        {"inputSchema",
         {{"type", "object"}, {"properties", {{"region", {{"type", "string"}, {"x-mcp-header", "Region"}}}}}}}}});
  for (const bool is_ever_content : {true, false}) {
    tools = plain;
    std::atomic<int> changes{0};
    handlers.tools_changed = [&] { ++changes; };
    serve(McpEra::Modern, [&](const HttpRequest& request, const json& message) {
      if (is_ever_content && header(request, "Mcp-Param-Region") == "eu")
        return json_answer(result_to(message, text_result("there")));
      return json_answer({{"jsonrpc", "2.0"},
                          {"id", message["id"]},
                          {"error", {{"code", -32020}, {"message", "Mcp-Param-Region is missing"}}}},
                         400);
    });
    auto client = connect();
    ASSERT_TRUE(client->list_tools());
    tools = wanting;  // from now on
    const auto listed = requests("tools/list").size(), called = requests("tools/call").size();
    EXPECT_THAT(call(*client, R"({"region":"eu"})"),
                is_ever_content ? HasSubstr("there") : HasSubstr("Mcp-Param-Region is missing"));
    EXPECT_EQ(requests("tools/list").size() - listed, 1U);
    EXPECT_EQ(requests("tools/call").size() - called, 2U);
    while (changes == 0) std::this_thread::sleep_for(5ms);  // whoever remembers a list is told
  }
}

TEST_F(HttpServerTest, FollowsRedirectsAtTheSameServerOnly) {
  config.headers = {{"Authorization", "Bearer secret"}};
  serve(McpEra::Modern, [&](const HttpRequest& request, const json& message) {
    if (request.url.ends_with("/new")) return json_answer(result_to(message, text_result("moved")));
    return MemoryAnswer{.status = 308, .headers = {{"location", "/new"}}};
  });
  auto client = connect();
  EXPECT_EQ(call(*client), "moved");
  for (const auto& each : server.requests()) EXPECT_TRUE(each.url.starts_with("http://127.0.0.1:1/"));
}

TEST_F(HttpServerTest, AnAnswerHasALimit) {
  options.max_message_bytes = 10'000;
  for (const auto& headers : {kJson, kEvents}) {
    serve(McpEra::Modern, [&](const auto&, const json& message) {
      const std::string text = result_to(message, text_result(std::string(1'000'000, 'x'))).dump();
      return MemoryAnswer{.headers = headers, .pieces = {headers == kJson ? text : "data: " + text + "\n\n"}};
    });
    auto client = connect();
    EXPECT_THAT(call(*client), HasSubstr("more than 10000 bytes"));
  }
}

TEST_F(HttpServerTest, ACallThatIsNeverAnsweredEndsInTime) {
  for (const McpEra era : {McpEra::Modern, McpEra::Older}) {
    serve(era, [](const auto&, const json&) {
      return MemoryAnswer{.headers = kEvents, .pieces = {": hi\n\n"}, .stays_open = true};
    });
    auto client = connect();
    EXPECT_THAT(call(*client, "{}", {.time_limit = 50ms}), HasSubstr("no answer to 'tools/call' within"));
    EXPECT_EQ(code, ErrorCode::TimedOut);
    // Over HTTP the modern era is cancelled by the broken connection alone.
    if (era == McpEra::Modern) {
      client->close();
      EXPECT_TRUE(requests("notifications/cancelled").empty());
    }
    while (era == McpEra::Older && requests("notifications/cancelled").empty()) std::this_thread::sleep_for(5ms);
  }
}

TEST_F(HttpServerTest, ClosingEndsWhatRuns) {
  serve(McpEra::Older, [](const auto&, const json&) { return MemoryAnswer{.headers = kEvents, .stays_open = true}; });
  auto client = connect();
  std::vector<std::jthread> threads;
  std::atomic<int> cancelled{0};
  for (int i = 0; i < 40; ++i) {
    threads.emplace_back([&] {
      const auto result = client->call_tool("t", "{}");
      if (!result && result.error().code == ErrorCode::Cancelled) ++cancelled;
    });
  }
  while (client->health().pending < 40) std::this_thread::sleep_for(1ms);
  client->close();
  threads.clear();
  EXPECT_EQ(cancelled, 40);
}

}  // namespace
}  // namespace llama::internal
