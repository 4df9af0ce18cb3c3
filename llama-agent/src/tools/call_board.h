// Where calls report to the thread that decides. It belongs to all of them, so a call that is given up may still
// report.
//
// Progress that nobody has read yet is replaced by newer, so a storm of it costs nothing.
// Threads  any number at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "llama-agent/tool.h"
#include "llama-agent/tool_approval.h"

namespace llama::internal {

class CallBoard {
 public:
  struct News {
    std::map<std::size_t, ToolProgress> progress;
    std::map<std::size_t, ToolResult> results;
    std::map<std::size_t, ApprovalAnswer> answers;
  };

  void tell_progress(std::size_t call, const ToolProgress& progress) {
    change([&] { news_.progress[call] = progress; });
  }
  void tell_result(std::size_t call, ToolResult result) {
    change([&] { news_.results.emplace(call, std::move(result)); });
  }
  void tell_answer(std::size_t call, ApprovalAnswer answer) {
    change([&] { news_.answers.emplace(call, std::move(answer)); });
  }
  void wake() {
    change([] {});
  }

  // Waits for news, or a wake(), until then.
  [[nodiscard]] News wait_until(std::chrono::steady_clock::time_point then) {
    std::unique_lock lock(mutex_);
    const auto is_there = [&] { return has_news_; };
    // The farthest point in time overflows in some clocks.
    const auto soon = std::min(then, std::chrono::steady_clock::now() + std::chrono::hours(1));
    changed_.wait_until(lock, soon, is_there);
    has_news_ = false;
    return std::exchange(news_, {});
  }

 private:
  template <class Change>
  void change(Change make) {
    {
      const std::scoped_lock lock(mutex_);
      make();
      has_news_ = true;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  News news_;
  bool has_news_ = false;
};

}  // namespace llama::internal
