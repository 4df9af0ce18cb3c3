#include "llama-http/memory_transport.h"

#include <gtest/gtest.h>

#include <thread>

namespace llama {
namespace {

HttpAnswer ask_memory(const MemoryServer& server, const HttpRequest& request, const std::stop_token& stop = {}) {
  const auto transport = server.factory()();
  return perform_whole(*transport, request, 1 << 20, stop);
}

TEST(MemoryTransport, AnswersInOrderThenByItsHandler) {
  MemoryServer server;
  EXPECT_EQ(ask_memory(server, {.url = "http://a/"}).result.head.status, 404);
  server.handle([](const HttpRequest& request) { return MemoryAnswer{.pieces = {request.method, " ", request.url}}; });
  server.answer({.status = 201, .headers = {{"x", "1"}}, .pieces = {"first"}});
  const HttpAnswer first = ask_memory(server, {.url = "http://a/"});
  EXPECT_EQ(first.result.head.status, 201);
  EXPECT_EQ(first.result.head.value("x"), "1");
  EXPECT_EQ(first.body, "first");
  EXPECT_EQ(ask_memory(server, {.method = "PUT", .url = "http://b/", .body = "sent"}).body, "PUT http://b/");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[2].body, "sent");
}

TEST(MemoryTransport, FailsAtTheCallThatItShall) {
  MemoryServer server;
  server.handle([](const HttpRequest&) { return MemoryAnswer{.pieces = {"abc", "def"}}; });
  server.fault(0, broken_before_head());
  server.fault(1, broken_in_body(4));
  server.fault(2, answered(503));
  server.fault(3, one_wrong_bit(3));
  struct Row {
    TransferEnd end;
    int status;
    const char* body;
  };
  for (const Row& row : {Row{TransferEnd::Broken, 0, ""},
                         {TransferEnd::Broken, 200, "abcd"},
                         {TransferEnd::Complete, 503, "an odd answer"},
                         {TransferEnd::Complete, 200, "abceef"},
                         {TransferEnd::Complete, 200, "abcdef"}}) {
    const HttpAnswer answer = ask_memory(server, {.url = "http://a/"});
    EXPECT_EQ(answer.result.end, row.end);
    EXPECT_EQ(answer.result.head.status, row.status);
    EXPECT_EQ(answer.body, row.body);
  }
}

TEST(MemoryTransport, StaysOpenUntilAStopOrItsTotalTime) {
  MemoryServer server;
  server.handle([](const HttpRequest&) { return MemoryAnswer{.pieces = {"event"}, .stays_open = true}; });
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(ask_memory(server, {.url = "http://a/"}, stop.get_token()).result.end, TransferEnd::Cancelled);
  const HttpTimeLimits limits{.total = std::chrono::milliseconds(1)};
  EXPECT_EQ(ask_memory(server, {.url = "http://a/", .limits = limits}).result.end, TransferEnd::TimedOut);
}

TEST(MemoryTransport, RefusesAsItsSinkDoes) {
  MemoryServer server;
  server.handle([](const HttpRequest&) { return MemoryAnswer{.pieces = {"abc", "def"}}; });
  const auto transport = server.factory()();
  EXPECT_EQ(perform_whole(*transport, {.url = "http://a/"}, 3, {}).body, "abc");
  const auto none =
      transport->perform({.url = "http://a/"}, {.head = [](const HttpHead&) { return false; }, .body = {}}, {});
  EXPECT_EQ(none.end, TransferEnd::Refused);
}

TEST(MemoryTransport, SendsTheRangeThatIsAskedFor) {
  struct Row {
    std::optional<std::string> range;
    int status;
    const char* body;
  };
  for (const Row& row : {Row{std::nullopt, 200, "0123456789"},
                         {"0-3", 206, "0123"},
                         {"8-", 206, "89"},
                         {"8-100", 206, "89"},
                         {"10-", 416, ""}}) {
    MemoryServer server;
    server.handle([](const HttpRequest& request) { return content_answer(request, "0123456789"); });
    const HttpAnswer answer = ask_memory(server, {.url = "http://a/", .range = row.range});
    EXPECT_EQ(answer.result.head.status, row.status) << row.range.value_or("all");
    EXPECT_EQ(answer.body, row.body);
  }
}

}  // namespace
}  // namespace llama
