// Decide whether and when to try a transfer again.
//
// Pure: no clock, no network, no random source of its own.
// Source   full jitter: the wait is uniform between nothing and the exponential bound (AWS Architecture Blog,
// "Exponential
//          Backoff And Jitter"). RateLimit header: IETF draft-ietf-httpapi-ratelimit-headers-09, of which r is what is
//          left and t the seconds until more.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace llama {

struct RetryConfig {
  int max_retries = 3;                            // after the first try; bytes that arrive start the count anew
  std::chrono::milliseconds initial_delay{1000};  // bound of the first wait
  double backoff_multiplier = 2;
  std::chrono::milliseconds max_delay{30'000};          // bound of any wait
  std::chrono::milliseconds max_server_delay{330'000};  // longest wait that a server may ask for (its window is 300 s)
  bool jitter = true;
};

// How long to wait before retry number `retry` (from 0). random is uniform in [0, 1).
// A server's own wish counts where it is longer; nothing where it wishes more than max_server_delay: give up.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_delay(
    const RetryConfig& config, int retry, double random,
    std::optional<std::chrono::seconds> server_wish = std::nullopt);

// 408, 429, 500, 502, 503, 504.
[[nodiscard]] bool is_transient_status(int status);

// The wait that a server's answer asks for. RateLimit counts only with nothing left (r=0); the longer of both wins.
// retry_after: seconds or an HTTP date, which counts from the server's own date (its Date header) where that is known,
// else from now (seconds since 1970): this machine's clock may be wrong. Nonsense, a negative number and a past date
// ask nothing.
[[nodiscard]] std::optional<std::chrono::seconds> server_wish(std::string_view retry_after, std::string_view rate_limit,
                                                              std::string_view date, std::int64_t now);

}  // namespace llama
