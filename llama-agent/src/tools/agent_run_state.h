// What an AgentRun holds: its events on their way to the reader, its thread.
//
// Threads  the run's thread writes, one other reads.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "llama-agent/agent_run.h"

namespace llama {

namespace internal {

class RunEvents {
 public:
  static constexpr std::size_t kMaxWaiting = 4096;

  // Waits for room; once nobody will read, what is written is dropped.
  void write(RunEvent event) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_.size() < kMaxWaiting || is_closed_; });
    if (is_closed_) return;
    waiting_.push_back(std::move(event));
    changed_.notify_all();
  }
  void end(Result<RunResponse> end) {
    const std::scoped_lock lock(mutex_);
    end_ = std::move(end);
    changed_.notify_all();
  }
  [[nodiscard]] Result<std::optional<RunEvent>> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !waiting_.empty() || end_; });
    if (!waiting_.empty()) {
      std::optional<RunEvent> event = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      return event;
    }
    if (!*end_) return std::unexpected(end_->error());
    return std::nullopt;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] const Result<RunResponse>& ended() const { return *end_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<RunEvent> waiting_;
  std::optional<Result<RunResponse>> end_;
  bool is_closed_ = false;
};

}  // namespace internal

struct AgentRun::State {
  ~State() {
    stop.request_stop();
    events.close();
    if (thread.joinable()) thread.join();
  }
  struct Request {
    std::stop_source source;
    void operator()() const { source.request_stop(); }
  };
  internal::RunEvents events;
  std::stop_source stop;
  std::optional<std::stop_callback<Request>> callers_stop;
  std::thread thread;
};

}  // namespace llama
