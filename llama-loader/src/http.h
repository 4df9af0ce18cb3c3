// Make one HTTP request: the seam between the loader and the network.
//
// No redirects are followed, nothing is decoded, no cookies, no .netrc.
// Threads  one request at a time per object; an object keeps its connection for the next.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

struct HttpRequest {
  std::string url;
  std::string token;                 // sent as a bearer token; "": none
  std::optional<std::string> range;  // "0-99", "100-"
};

struct HttpHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

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
  Broken,     // resolve, connect, reset, a body shorter than announced, nothing for a while: may work next time
  Hopeless,   // a certificate that is not trusted, a proxy that wants a password: no use to try again
};

struct HttpResult {
  TransferEnd end = TransferEnd::Complete;
  HttpHead head;       // status 0 where none came
  std::string reason;  // of Broken and Hopeless, for people
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  [[nodiscard]] virtual HttpResult perform(const HttpRequest& request, const HttpSink& sink,
                                           const std::stop_token& stop) = 0;
};

struct HttpOptions {
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{10};  // less than 1 kB/s for so long; the whole may take any time
};

using TransportFactory = std::function<std::unique_ptr<HttpTransport>()>;

// libcurl, HTTP/1.1. The environment's proxy variables hold (libcurl-env(3)).
[[nodiscard]] TransportFactory curl_transport(const HttpOptions& options);

// A proxy as the environment names it for this address, without its password; "" for none. For messages.
[[nodiscard]] std::string proxy_for_message();

}  // namespace llama::internal
