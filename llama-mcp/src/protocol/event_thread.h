// Call a client's handlers on a thread of their own, one at a time, however fast a server talks.
//
// What a server can send without end is kept without growing: a list that changed is a mark, told once the burst is
// over (quiet for 100 ms, or after a second); updated resources are a set; log lines are a queue that drops the newest
// and says how many. Questions and timers are tasks; there is a limit to the questions.
// Threads  all but stop() from any thread. A handler that makes calls blocks the next handler, not the connection.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "llama-mcp/mcp_client.h"

namespace llama::internal {

class EventThread {
 public:
  using Task = std::function<void(const std::stop_token&)>;
  enum class Change { Tools, Prompts, Resources };

  explicit EventThread(McpHandlers handlers);
  ~EventThread() { stop(); }
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  void changed(Change change);
  void updated(std::string uri);
  void log(McpLogLine line);
  // False: as many wait as may.
  [[nodiscard]] bool post(Task task);
  void after(std::chrono::milliseconds pause, Task task);
  // What runs is asked to stop and waited for (not by itself); what waits is dropped.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Burst {
    Clock::time_point first, last;
    [[nodiscard]] Clock::time_point due() const;
  };

  void run(const std::stop_token& stop);
  [[nodiscard]] Task next();                         // requires the lock; empty: nothing is due
  [[nodiscard]] Clock::time_point next_due() const;  // requires the lock

  McpHandlers handlers_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool is_news_ = false;
  std::array<std::optional<Burst>, 3> bursts_{};
  std::set<std::string> updated_;
  std::deque<McpLogLine> lines_;
  std::uint64_t dropped_lines_ = 0;
  std::deque<Task> tasks_;
  std::multimap<Clock::time_point, Task> timers_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace llama::internal
