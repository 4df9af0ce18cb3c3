// The client over HTTP, against a server in memory.
#include "http/http_channel.h"

#include <gmock/gmock.h>

#include <atomic>
#include <format>
#include <thread>

#include "http/message_head.h"
#include "llama-http/memory_transport.h"
#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::vector<HttpHeader> kJson{{"content-type", "application/json"}};
const std::vector<HttpHeader> kEvents{{"content-type", "text/event-stream; charset=utf-8"}};

std::string header(const HttpRequest& request, const std::string& name) {
  for (const auto& each : request.headers) {
    if (each.name == name) return each.value;
  }
  return "-";
}

json sent(const HttpRequest& request) { return json::parse(request.body.value_or("{}")); }

MemoryAnswer json_answer(const json& message, int status = 200) {
  return {.status = status, .headers = kJson, .pieces = {message.dump()}};
}
json result_to(const json& request, const json& result) {
  return {{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", result}};
}
json text_result(const std::string& text) { return {{"content", {{{"type", "text"}, {"text", text}}}}}; }
std::string event(const json& message, const std::string& id = "") {
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
    if (is_answer(each)) EXPECT_EQ(sent(each)["result"]["content"]["a"], 1);
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

TEST(MessageHead, LooksAtTheOutermostObjectOnly) {
  const auto answer = read_message_head(R"({"result":{"id":1,"method":"x"},"id":7})");
  EXPECT_TRUE(answer.is_answer && answer.has_id);
  EXPECT_EQ(answer.id, "7");
  EXPECT_FALSE(read_message_head(R"({"id":7,"method":"x","result":1})").is_answer);
  EXPECT_EQ(read_message_head(R"({"id":"7","error":{}})").id, "\"7\"");
  EXPECT_FALSE(read_message_head(R"({"id":null,"error":{}})").has_id);
  EXPECT_FALSE(read_message_head("[1]").is_object);
  EXPECT_FALSE(read_message_head(std::string(200'000, '[')).is_object);
}

TEST(HeaderValue, EncodesWhatHttpWouldChange) {
  // Source: specification 2026-07-28, "Value encoding"; base64 as coreutils' base64 gives it.
  EXPECT_EQ(header_value("us west 1"), "us west 1");
  EXPECT_EQ(header_value(" padded "), "=?base64?IHBhZGRlZCA=?=");
  EXPECT_EQ(header_value("line1\nline2"), "=?base64?bGluZTEKbGluZTI=?=");
  EXPECT_EQ(header_value(""), "=?base64??=");
  EXPECT_EQ(header_value("=?base64?x?="), "=?base64?PT9iYXNlNjQ/eD89?=");
  EXPECT_EQ(header_value("Hello, 世界"), "=?base64?SGVsbG8sIOS4lueVjA==?=");
}

TEST(ParameterHeaders, RefusesWhatCannotBeSent) {
  for (const char* property :
       {R"("a":{"type":"string","x-mcp-header":""})", R"("a":{"type":"object","x-mcp-header":"A"})",
        R"("a":{"x-mcp-header":"A"})", R"("a":{"type":"string","x-mcp-header":"A B"})",
        R"("a":{"type":"string","x-mcp-header":"A:B"})", R"("a":{"type":"string","x-mcp-header":"Région"})",
        R"("a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"})",
        R"("a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}})",
        R"("a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]})"}) {
    EXPECT_FALSE(parameter_headers_of(std::format(R"({{"type":"object","properties":{{{}}}}})", property))) << property;
  }
  EXPECT_FALSE(parameter_headers_of(R"({"type":"string","x-mcp-header":"A"})"));
  EXPECT_EQ(
      parameter_headers_of(R"({"properties":{"x-mcp-header":{"type":"string","default":{"x-mcp-header":1}}}})")->size(),
      0U);
}

}  // namespace
}  // namespace llama::internal
