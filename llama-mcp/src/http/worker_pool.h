// Run requests on a few threads, each with a connection of its own that it keeps for the next one.
//
// Threads are started when all others are at work, up to a limit; more jobs wait, up to a limit.
// Threads  any; stop() once.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "llama-http/http_transport.h"

namespace llama::internal {

class WorkerPool {
 public:
  using Job = std::function<void(HttpTransport&)>;

  WorkerPool(std::size_t max_threads, std::size_t max_waiting, TransportFactory factory)
      : max_threads_(max_threads), max_waiting_(max_waiting), factory_(std::move(factory)) {}
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: as many wait as may, or it is stopped.
  [[nodiscard]] bool post(Job job);
  // While held nothing begins.
  void hold(bool is_held);
  // What waits is dropped; what runs is waited for.
  void stop();

 private:
  void work();

  const std::size_t max_threads_, max_waiting_;
  const TransportFactory factory_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::size_t idle_ = 0;
  bool is_held_ = false, is_stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace llama::internal
