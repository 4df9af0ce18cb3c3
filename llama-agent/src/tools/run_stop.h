// Stop a run: because its caller wants it, its server ends, or its time is over.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace llama::internal {

class RunStop {
 public:
  RunStop(const std::stop_token& callers, const std::stop_token& servers, std::chrono::milliseconds time_limit)
      : callers_(callers, Request{source_}),
        servers_(servers, Request{source_}),
        watch_([this, time_limit](const std::stop_token& over) { watch(over, time_limit); }) {}

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] bool is_requested() const { return source_.stop_requested(); }
  [[nodiscard]] bool timed_out() const { return timed_out_; }

 private:
  struct Request {
    std::stop_source source;
    void operator()() const { source.request_stop(); }
  };
  void watch(const std::stop_token& over, std::chrono::milliseconds time_limit) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    const auto end = std::chrono::steady_clock::now() + std::min(time_limit, std::chrono::milliseconds(kLongest));
    never.wait_until(lock, over, end, [] { return false; });
    if (over.stop_requested() || source_.stop_requested()) return;
    timed_out_ = true;
    source_.request_stop();
  }
  static constexpr std::chrono::hours kLongest{24 * 365};

  std::stop_source source_;
  std::atomic<bool> timed_out_ = false;
  std::stop_callback<Request> callers_, servers_;
  std::jthread watch_;  // last: it uses what stands above
};

}  // namespace llama::internal
