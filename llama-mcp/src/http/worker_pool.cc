#include "http/worker_pool.h"

#include <system_error>
#include <utility>

namespace llama::internal {

bool WorkerPool::post(Job job) {
  const std::scoped_lock lock(mutex_);
  if (is_stopped_ || waiting_.size() >= max_waiting_) return false;
  if (idle_ <= waiting_.size() && threads_.size() < max_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return false;  // else one of those there takes it later
    }
  }
  waiting_.push_back(std::move(job));
  wake_.notify_one();
  return true;
}

void WorkerPool::hold(bool is_held) {
  const std::scoped_lock lock(mutex_);
  is_held_ = is_held;
  wake_.notify_all();
}

void WorkerPool::work() {
  const auto transport = factory_();
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return is_stopped_ || (!is_held_ && !waiting_.empty()); });
    --idle_;
    if (is_stopped_) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job(*transport);
    job = nullptr;
    lock.lock();
  }
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::scoped_lock lock(mutex_);
    is_stopped_ = true;
    waiting_.clear();
    threads.swap(threads_);
    wake_.notify_all();
  }
  for (auto& each : threads) each.join();
}

}  // namespace llama::internal
