// Make a request, and follow redirects that stay at the same server.
//
// A POST is sent again only where the status keeps it a POST (307, 308). Another origin is never gone to: the headers
// of the config are that server's secrets, and so are the messages.
// Threads  one.
// Source   RFC 9110, 15.4; llama-http/url.h.
#pragma once

#include <optional>
#include <stop_token>

#include "llama-base/error.h"
#include "llama-http/http_transport.h"

namespace llama::internal {

struct Fetched {
  HttpResult result;
  std::optional<Error> refused_redirect{};
};

// The sink sees no redirect, unless it has no Location.
[[nodiscard]] Fetched guarded_fetch(HttpTransport& transport, HttpRequest request, const HttpSink& sink,
                                    const std::stop_token& stop);

// Limits of requests that may last as long as they like, up to the deadline.
[[nodiscard]] HttpTimeLimits limits_until(std::chrono::steady_clock::time_point deadline);

}  // namespace llama::internal
