// Run tools on threads of their own, and wait for those that were given up when all is over.
//
// Threads  any number at once. The destructor waits for all.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace llama::internal {

class ToolThreads {
 public:
  static constexpr std::size_t kMaxThreads = 128;  // tools that never end included

  ToolThreads() = default;
  ~ToolThreads();
  ToolThreads(const ToolThreads&) = delete;
  ToolThreads& operator=(const ToolThreads&) = delete;

  // False: there are too many, or the system gives none. work must not throw.
  [[nodiscard]] bool start(std::function<void()> work);

 private:
  struct Entry {
    std::shared_ptr<std::atomic<bool>> has_ended;
    std::thread thread;
  };
  void join_ended();

  std::mutex mutex_;
  std::list<Entry> entries_;
};

}  // namespace llama::internal
