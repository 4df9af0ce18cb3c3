// Make one HTTP request: the seam between everything of ours and the network.
//
// Any method, headers and body; the answer comes in pieces, each as soon as it has arrived, so that an event stream
// that stays open for hours is read like any other answer. No redirects are followed (that is the caller's decision:
// url.h has the rules), nothing is decoded, no cookies, no .netrc. curl_transport.h is the real one, memory_transport.h
// the double for tests.
// Errors   none of Error's: HttpResult says how it ended, and what a status means is known to the caller alone.
// Threads  one request at a time per object; an object keeps its connection for the next.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llama {

struct HttpHeader {
  std::string name, value;  // value "": sent as such
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

// A limit of 0 is none.
struct HttpTimeLimits {
  std::chrono::milliseconds connect{10'000};   // 0: libcurl's own, five minutes
  std::chrono::seconds idle{10};               // fewer than idle_bytes_per_second for so long
  std::uint32_t idle_bytes_per_second = 1024;  // 1: no byte at all, as for event streams
  std::chrono::milliseconds total{0};          // from the call to the last byte
};

struct HttpRequest {
  std::string method = "GET";
  std::string url{};
  std::vector<HttpHeader> headers{};   // as they are; what is said below is added
  std::optional<std::string> body{};   // with its Content-Length; its Content-Type stands in the headers, if anywhere
  std::string token{};                 // sent as a bearer token; "": none
  std::optional<std::string> range{};  // "0-99", "100-"
  std::optional<HttpTimeLimits> limits{};  // else those of the transport
};

struct HttpHead {
  int status = 0;
  std::vector<HttpHeader> headers{};  // names in lower case

  [[nodiscard]] std::string_view value(std::string_view name) const;  // the last of that name, or ""
};

struct HttpSink {
  std::function<bool(const HttpHead&)> head;             // false: the body is not wanted
  std::function<bool(std::span<const std::byte>)> body;  // false: no more is wanted
};

// How a transfer ended, apart from what the server's status says.
enum class TransferEnd {
  Complete,
  Refused,    // by the sink
  Cancelled,  // by the stop token
  TimedOut,   // its total time is over
  Broken,     // resolve, connect, reset, a body shorter than announced, idle for too long: may work next time
  Hopeless,   // a certificate that is not trusted, a proxy that wants a password, a header that cannot be sent: no use
              // to try again
};

struct HttpResult {
  TransferEnd end = TransferEnd::Complete;
  HttpHead head{};       // as the sink saw it; status 0 where it saw none
  std::string reason{};  // of TimedOut, Broken and Hopeless, for people
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // The sink is called on this thread, the head first. A stop takes effect at once, whatever the request waits for.
  [[nodiscard]] virtual HttpResult perform(const HttpRequest& request, const HttpSink& sink,
                                           const std::stop_token& stop) = 0;
};

using TransportFactory = std::function<std::unique_ptr<HttpTransport>()>;

struct HttpAnswer {
  HttpResult result;
  std::string body;
};

// The whole answer at once. Refused: the body is longer than max_bytes; what came before is there.
[[nodiscard]] HttpAnswer perform_whole(HttpTransport& transport, const HttpRequest& request, std::size_t max_bytes,
                                       const std::stop_token& stop);

}  // namespace llama
