// Requests that wait for the engine, the first come first.
//
// Threads  push() and close(): any; the rest: the engine's.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "job.h"

namespace llama::internal {

class RequestQueue {
 public:
  RequestQueue(std::int32_t max_size, std::shared_ptr<RequestCounts> counts)
      : max_size_(max_size), counts_(std::move(counts)) {}

  // Errors   Busy: as many wait as may. Cancelled: after close().
  [[nodiscard]] Result<void> push(std::unique_ptr<Job> job);
  // Refuses what comes, and ends wait().
  void close();
  // Until there is a request, unless the caller has other work. False once closed.
  [[nodiscard]] bool wait(bool has_work);
  // The first request, if it passes; it counts as begun.
  template <class Passes>
  [[nodiscard]] std::unique_ptr<Job> pop_if(Passes&& passes) {
    const std::scoped_lock lock(mutex_);
    if (jobs_.empty() || !passes(std::as_const(*jobs_.front()))) return nullptr;
    std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    job->has_begun = true;
    counts_->began();
    counts_->waiting(jobs_.size());
    return job;
  }
  // Ends those that were cancelled or waited too long, and all of them once closed.
  void drop_ended();

 private:
  static void end_early(Job& job);

  const std::int32_t max_size_;
  const std::shared_ptr<RequestCounts> counts_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::unique_ptr<Job>> jobs_;  // a list: taking one out needs no memory
  bool is_closed_ = false;
};

}  // namespace llama::internal
