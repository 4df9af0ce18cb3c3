#include "llama-http/curl_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include "loopback_server.h"

namespace llama {
namespace {

using testing::HasSubstr;
using testing::Not;

HttpAnswer ask(const HttpRequest& request, const std::stop_token& stop = {}) {
  const auto transport = curl_transport({})();
  return perform_whole(*transport, request, 64 << 20, stop);
}

// What a thread waits for and another one does.
class Event {
 public:
  void happen() {
    {
      const std::scoped_lock lock(mutex_);
      has_happened_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_happened_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_happened_ = false;
};

TEST(CurlTransport, SendsEveryMethodWithItsHeadersAndBody) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received& request) {
    connection.send(test::plain_answer(200, request.method == "HEAD" ? "" : request.head + request.body));
  });
  struct Row {
    const char* method;
    std::optional<std::string> body;
    const char* length;  // the line that says how long the body is; "": none
  };
  for (const Row& row : {Row{"GET", std::nullopt, ""},
                         {"POST", "{\"a\": 1}", "Content-Length: 8\r\n"},
                         {"POST", "", "Content-Length: 0\r\n"},
                         {"PUT", "put", "Content-Length: 3\r\n"},
                         {"PATCH", "part", "Content-Length: 4\r\n"},
                         {"DELETE", std::nullopt, ""},
                         {"DELETE", "why", "Content-Length: 3\r\n"},
                         {"OPTIONS", std::nullopt, ""}}) {
    SCOPED_TRACE(row.method);
    const HttpAnswer answer = ask({.method = row.method,
                                   .url = server.url("/x?y"),
                                   .headers = {{"X-One", "1"}, {"X-Empty", ""}},
                                   .body = row.body,
                                   .token = "secret",
                                   .range = {},
                                   .limits = {}});
    EXPECT_EQ(answer.result.end, TransferEnd::Complete) << answer.result.reason;
    EXPECT_EQ(answer.result.head.status, 200);
    EXPECT_THAT(answer.body, testing::StartsWith(std::string(row.method) + " /x?y HTTP/1.1\r\n"));
    EXPECT_THAT(answer.body, HasSubstr("\r\nX-One: 1\r\nX-Empty:"));
    EXPECT_THAT(answer.body, HasSubstr("\r\nAuthorization: Bearer secret\r\n"));
    EXPECT_THAT(answer.body, HasSubstr(row.length));
    EXPECT_EQ(answer.body.contains("Content-Length"), *row.length != '\0');
    EXPECT_THAT(answer.body, testing::EndsWith("\r\n\r\n" + row.body.value_or("")));
    EXPECT_THAT(answer.body, Not(HasSubstr("Content-Type"))) << "nobody gave one";
    EXPECT_THAT(answer.body, Not(HasSubstr("Expect")));
  }
  const HttpAnswer head = ask({.method = "HEAD", .url = server.url("/")});
  EXPECT_EQ(head.result.end, TransferEnd::Complete);
  EXPECT_EQ(head.result.head.value("content-length"), "0");
}

TEST(CurlTransport, SaysWhoAsks) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received& request) {
    connection.send(test::plain_answer(200, request.head));
  });
  EXPECT_THAT(ask({.url = server.url("/")}).body, HasSubstr("\r\nUser-Agent: llama-http/" PROJECT_VERSION "\r\n"));
  const auto named = curl_transport({.user_agent = "somebody/2"})();
  EXPECT_THAT(perform_whole(*named, {.url = server.url("/")}, 64 << 20, {}).body,
              HasSubstr("\r\nUser-Agent: somebody/2\r\n"));
}

TEST(CurlTransport, SendsALongBodyAndItsType) {
  const std::string body(5 << 20, 'x');
  const test::LoopbackServer server([&](const test::Connection& connection, const test::Received& request) {
    const bool right = request.body == body && request.head.contains("Content-Type: application/json\r\n");
    connection.send(test::plain_answer(right ? 200 : 400, ""));
  });
  EXPECT_EQ(
      ask({.method = "POST", .url = server.url("/"), .headers = {{"Content-Type", "application/json"}}, .body = body})
          .result.head.status,
      200);
}

TEST(CurlTransport, SendsNothingThatWouldBeAnotherHeader) {
  const auto server = std::make_unique<test::LoopbackServer>(
      [](const auto& connection, const auto&) { connection.send(test::plain_answer(200, "")); });
  for (const HttpRequest& bad : {HttpRequest{.url = server->url("/"), .headers = {{"X", "a\r\nY: b"}}},
                                 HttpRequest{.url = server->url("/"), .headers = {{"X\r\nY", "b"}}},
                                 HttpRequest{.url = server->url("/"), .token = "a\nb"},
                                 HttpRequest{.method = "GET /\r\n", .url = server->url("/")},
                                 HttpRequest{.method = "", .url = server->url("/")}}) {
    const HttpResult result = ask(bad).result;
    EXPECT_EQ(result.end, TransferEnd::Hopeless);
    EXPECT_EQ(result.head.status, 0);
    EXPECT_NE(result.reason, "");
  }
}

TEST(CurlTransport, LeavesRedirectsToItsCaller) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received&) {
    connection.send(test::plain_answer(302, "there", "Location: /other\r\n"));
  });
  const HttpAnswer answer = ask({.url = server.url("/")});
  EXPECT_EQ(answer.result.head.status, 302);
  EXPECT_EQ(answer.result.head.value("location"), "/other");
  EXPECT_EQ(answer.body, "there");
}

TEST(CurlTransport, DeliversAnEventStreamAsItArrives) {
  // The server sends the next event only when the one before has been seen: a client that collects would wait for ever.
  std::vector<Event> seen(3);
  const test::LoopbackServer server([&](const test::Connection& connection, const test::Received&) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (Event& one : seen) {
      connection.send("7\r\ndata: x\r\n");
      one.wait();
    }
    connection.send("0\r\nX-Trailer: not a head\r\n\r\n");
  });
  const auto transport = curl_transport({})();
  std::size_t events = 0;
  const HttpResult result = transport->perform(
      {.url = server.url("/")},
      {.head = [](const HttpHead& head) { return head.value("content-type") == "text/event-stream"; },
       .body =
           [&](std::span<const std::byte> bytes) {
             EXPECT_EQ(bytes.size(), 7u);
             seen.at(events++).happen();
             return true;
           }},
      {});
  EXPECT_EQ(result.end, TransferEnd::Complete) << result.reason;
  EXPECT_EQ(events, 3u);
  EXPECT_EQ(result.head.value("x-trailer"), "");
}

TEST(CurlTransport, StopsWhereverItWaits) {
  struct Row {
    const char* what;
    const char* sent;  // before nothing more comes
  };
  for (const Row& row : {Row{"for headers", ""},
                         {"in the head", "HTTP/1.1 200 OK\r\nContent-"},
                         {"in the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
                         {"in an event stream", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}}) {
    SCOPED_TRACE(row.what);
    Event waiting;
    const test::LoopbackServer server([&](const test::Connection& connection, const test::Received&) {
      connection.send(row.sent);
      waiting.happen();
      EXPECT_TRUE(connection.wait_for_end()) << "the client hangs up";
    });
    std::stop_source stop;
    const std::jthread stopper([&] {
      waiting.wait();
      stop.request_stop();
    });
    const HttpAnswer answer =
        ask({.url = server.url("/"), .limits = HttpTimeLimits{.idle = std::chrono::seconds(0)}}, stop.get_token());
    EXPECT_EQ(answer.result.end, TransferEnd::Cancelled);
  }
}

TEST(CurlTransport, KeepsItsTimeLimits) {
  const test::LoopbackServer silent([](const test::Connection& connection, const test::Received&) {
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    EXPECT_TRUE(connection.wait_for_end());
  });
  using namespace std::chrono_literals;
  const HttpAnswer total = ask({.url = silent.url("/"), .limits = HttpTimeLimits{.idle = 0s, .total = 200ms}});
  EXPECT_EQ(total.result.end, TransferEnd::TimedOut) << total.result.reason;
  EXPECT_EQ(total.body, "abc");
  const HttpAnswer idle =
      ask({.url = silent.url("/"), .limits = HttpTimeLimits{.idle = 1s, .idle_bytes_per_second = 1}});
  EXPECT_EQ(idle.result.end, TransferEnd::Broken) << "another time it may be faster";
  EXPECT_EQ(idle.body, "abc");
}

TEST(CurlTransport, TellsABreakFromAnEnd) {
  struct Row {
    const char* sent;
    TransferEnd end;
  };
  for (const Row& row :
       {Row{"", TransferEnd::Broken},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", TransferEnd::Broken},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", TransferEnd::Broken},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", TransferEnd::Complete},
        {"HTTP/1.1 204 OK\r\n\r\n", TransferEnd::Complete}}) {
    auto server =
        std::make_unique<test::LoopbackServer>([&](const test::Connection& connection, const test::Received&) {
          connection.send(row.sent), connection.end();
        });
    EXPECT_EQ(ask({.url = server->url("/")}).result.end, row.end) << row.sent;
  }
}

TEST(CurlTransport, TellsOfNoHeadThatItsSinkHasNotSeen) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received& request) {
    const bool is_refused = request.target.starts_with("refused");
    connection.send(request.method != "CONNECT" ? "HTTP/1.1 206 OK\r\nContent-Length: 10\r\n\r\n"
                    : is_refused                ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
                                                : "HTTP/1.1 200 OK\r\nX-From: a proxy\r\n\r\n");
    connection.end();
  });
  const auto expect_none = [](const HttpResult& result) {
    EXPECT_EQ(result.end, TransferEnd::Broken) << result.reason;
    EXPECT_EQ(result.head.status, 0);
    EXPECT_TRUE(result.head.headers.empty());
  };
  expect_none(ask({.url = server.url("/")}).result);
  ::setenv("https_proxy", server.url("").c_str(), 1);
  expect_none(ask({.url = "https://example.invalid/"}).result);
  const HttpResult refused = ask({.url = "https://refused.invalid/"}).result;
  ::unsetenv("https_proxy");
  expect_none(refused);
  EXPECT_THAT(refused.reason, HasSubstr("403")) << "what the proxy answered is said";
}

TEST(CurlTransport, SaysNothingOfAProxysPassword) {
  for (const char* proxy : {"me:secret@127.0.0.1:9", "http://me:x/secret@127.0.0.1:9", "odd://me:secret@127.0.0.1:9"}) {
    ::setenv("http_proxy", proxy, 1);
    const HttpResult result = ask({.url = "http://example.invalid/"}).result;
    EXPECT_NE(result.end, TransferEnd::Complete);
    EXPECT_THAT(result.reason + proxy_for_message(), Not(HasSubstr("secret"))) << proxy;
    EXPECT_THAT(proxy_for_message(), HasSubstr("127.0.0.1:9"));
    ::unsetenv("http_proxy");
  }
}

TEST(CurlTransport, TakesNoMoreThanItsSinkWants) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received&) {
    connection.send(test::plain_answer(200, std::string(1 << 20, 'x')));
  });
  const auto transport = curl_transport({})();
  const HttpAnswer answer = perform_whole(*transport, {.url = server.url("/")}, 1000, {});
  EXPECT_EQ(answer.result.end, TransferEnd::Refused);
  EXPECT_LE(answer.body.size(), 1000u);
  EXPECT_EQ(perform_whole(*transport, {.url = server.url("/")}, 1 << 20, {}).body.size(), 1u << 20) << "the next one";
}

TEST(CurlTransport, GivesUpWhereTryingAgainIsNoUse) {
  const test::LoopbackServer server([](const test::Connection& connection, const test::Received&) {
    connection.send(test::plain_answer(407, "", "Proxy-Authenticate: Basic realm=\"x\"\r\n"));
  });
  EXPECT_EQ(ask({.url = "ftp://127.0.0.1/"}).result.end, TransferEnd::Hopeless);
  EXPECT_EQ(ask({.url = "no address"}).result.end, TransferEnd::Hopeless);
  // An https address through a proxy that wants a password: CONNECT is refused.
  ::setenv("https_proxy", server.url("").c_str(), 1);
  const HttpResult refused = ask({.url = "https://example.invalid/"}).result;
  EXPECT_EQ(proxy_for_message(), server.url("/"));
  ::unsetenv("https_proxy");
  EXPECT_EQ(refused.end, TransferEnd::Hopeless) << refused.reason;
  const auto transport = curl_transport({.ca_file = "/no/such/file.pem"})();
  const HttpResult untrusted = transport->perform({.url = server.url("/", "https")}, {}, {});
  EXPECT_EQ(untrusted.end, TransferEnd::Hopeless) << untrusted.reason;
}

TEST(CurlTransport, SaysThatNobodyListens) {
  std::string url;
  {
    const test::LoopbackServer gone([](const auto&, const auto&) {});
    url = gone.url("/");
  }
  const HttpResult result = ask({.url = url}).result;
  EXPECT_EQ(result.end, TransferEnd::Broken);
  EXPECT_THAT(result.reason, HasSubstr("127.0.0.1"));
}

}  // namespace
}  // namespace llama
