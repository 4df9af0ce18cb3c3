#include "http/guarded_fetch.h"

#include <algorithm>
#include <format>
#include <string>
#include <vector>

#include "llama-http/url.h"

namespace llama::internal {
namespace {

bool is_redirect(const HttpHead& head) {
  const int status = head.status;
  return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
         !head.value("location").empty();
}

std::string shown_origin(const std::string& url) {
  const auto origin = origin_of(url);
  return origin ? std::format("{}://{}:{}", origin->scheme, origin->host, origin->port) : std::string("another server");
}

// The address that a redirect may be followed to.
Result<std::string> next_address(const HttpRequest& request, const std::vector<std::string>& hops,
                                 const HttpHead& head) {
  auto target = redirect_target(hops, head.value("location"));
  if (!target) return target;
  if (!same_origin(request.url, *target)) {
    return fail(ErrorCode::Network,
                std::format("status {}: it redirects to {}; if that is the server that is meant, its"
                            " address belongs into the config",
                            head.status, shown_origin(*target)));
  }
  if (request.method == "POST" && head.status != 307 && head.status != 308) {
    return fail(ErrorCode::Network, std::format("status {}: it redirects to '{}', which belongs into the config",
                                                head.status, without_secrets(*target)));
  }
  return target;
}

}  // namespace

Fetched guarded_fetch(HttpTransport& transport, HttpRequest request, const HttpSink& sink,
                      const std::stop_token& stop) {
  std::vector<std::string> hops{request.url};
  while (true) {
    bool is_led = false;
    const HttpSink watched{.head =
                               [&](const HttpHead& head) {
                                 is_led = is_redirect(head);
                                 return !is_led && sink.head(head);
                               },
                           .body = sink.body};
    HttpResult result = transport.perform(request, watched, stop);
    if (!is_led) return {.result = std::move(result)};
    auto target = next_address(request, hops, result.head);
    if (!target) return {.result = std::move(result), .refused_redirect = std::move(target.error())};
    request.url = *target;
    hops.push_back(std::move(*target));
  }
}

HttpTimeLimits limits_until(std::chrono::steady_clock::time_point deadline) {
  constexpr auto kLongest = std::chrono::hours(24 * 366);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  // A stream may be silent for hours: only its end and the deadline end it.
  return {.idle = std::chrono::seconds(0),
          .idle_bytes_per_second = 1,
          .total = std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), kLongest)};
}

}  // namespace llama::internal
