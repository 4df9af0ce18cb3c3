// Ask the hub something: follow its redirects, send the token where it may go, and try again when that may help.
//
// Threads  one at a time per transport.
#pragma once

#include <expected>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub_failure.h"
#include "llama-loader/hub_settings.h"
#include "llama-loader/retry.h"

namespace llama::internal {

constexpr std::size_t kMaxErrorBody = 64 << 10;

// One request with its redirects. The sink sees the last answer only. `hops` receives the addresses asked, the one that
// answered last.
//
// Errors   as a failure: a redirect that is not followed. Other ends are in the HttpResult.
[[nodiscard]] std::expected<HttpResult, HubFailure> follow(HttpTransport& transport, const HubSettings& settings,
                                                           HubQuestion& question, const std::string& url,
                                                           const std::optional<std::string>& range,
                                                           const HttpSink& sink, const std::stop_token& stop);

struct HubAnswer {
  HttpHead head;
  std::string body;
};

// A whole answer of at most `most` bytes, with retries.
[[nodiscard]] Result<HubAnswer> ask(HttpTransport& transport, const HubSettings& settings, const RetryConfig& retry,
                                    HubQuestion question, const std::string& url, std::size_t most,
                                    const std::function<void(std::string_view)>& on_message,
                                    const std::stop_token& stop);

// Waits as retry_delay says and tells why. False: give up (no retries left, too long a wish, stopped).
[[nodiscard]] bool wait_for_retry(const RetryConfig& config, int retry, const HubFailure& failure,
                                  const std::function<void(std::string_view)>& on_message, const std::stop_token& stop);

}  // namespace llama::internal
