#include "protocol/event_thread.h"

#include <algorithm>
#include <format>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::chrono::milliseconds kQuiet{100}, kLongestBurst{1'000};
constexpr std::size_t kMaxLines = 1'000, kMaxUpdated = 1'000, kMaxTasks = 16;

}  // namespace

EventThread::Clock::time_point EventThread::Burst::due() const {
  return std::min(last + kQuiet, first + kLongestBurst);
}

EventThread::EventThread(McpHandlers handlers)
    : handlers_(std::move(handlers)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void EventThread::changed(Change change) {
  const auto now = Clock::now();
  const std::scoped_lock lock(mutex_);
  auto& burst = bursts_[static_cast<std::size_t>(change)];
  if (burst) {
    burst->last = now;  // the thread finds out when it wakes for what was due before
    return;
  }
  burst = Burst{now, now};
  is_news_ = true;
  wake_.notify_one();
}

void EventThread::updated(std::string uri) {
  const std::scoped_lock lock(mutex_);
  if (updated_.size() >= kMaxUpdated) return;
  updated_.insert(std::move(uri));
  is_news_ = true;
  wake_.notify_one();
}

void EventThread::log(McpLogLine line) {
  if (!handlers_.log) return;
  const std::scoped_lock lock(mutex_);
  if (lines_.size() >= kMaxLines) {
    ++dropped_lines_;
    return;
  }
  lines_.push_back(std::move(line));
  is_news_ = true;
  wake_.notify_one();
}

bool EventThread::post(Task task) {
  const std::scoped_lock lock(mutex_);
  if (tasks_.size() >= kMaxTasks) return false;
  tasks_.push_back(std::move(task));
  is_news_ = true;
  wake_.notify_one();
  return true;
}

void EventThread::after(std::chrono::milliseconds pause, Task task) {
  const std::scoped_lock lock(mutex_);
  timers_.emplace(Clock::now() + pause, std::move(task));
  is_news_ = true;
  wake_.notify_one();
}

void EventThread::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  // A handler that closes its client: the thread ends once the handler has returned.
  if (thread_.get_id() != std::this_thread::get_id()) thread_.join();
}

EventThread::Clock::time_point EventThread::next_due() const {
  auto due = Clock::now() + std::chrono::hours(1);
  for (const auto& burst : bursts_) {
    if (burst) due = std::min(due, burst->due());
  }
  return timers_.empty() ? due : std::min(due, timers_.begin()->first);
}

EventThread::Task EventThread::next() {
  if (!tasks_.empty()) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }
  if (!lines_.empty()) {
    McpLogLine line = std::move(lines_.front());
    lines_.pop_front();
    if (lines_.empty() && dropped_lines_ > 0) {
      lines_.push_back({.level = "warning", .text = std::format("{} log lines were dropped", dropped_lines_)});
      dropped_lines_ = 0;
    }
    return [this, line = std::move(line)](const std::stop_token&) { handlers_.log(line); };
  }
  if (!updated_.empty()) {
    std::string uri = std::move(updated_.extract(updated_.begin()).value());
    return [this, uri = std::move(uri)](const std::stop_token&) {
      if (handlers_.resource_updated) handlers_.resource_updated(uri);
    };
  }
  const auto now = Clock::now();
  for (std::size_t i = 0; i < bursts_.size(); ++i) {
    if (!bursts_[i] || now < bursts_[i]->due()) continue;
    bursts_[i].reset();
    const auto& told = i == 0   ? handlers_.tools_changed
                       : i == 1 ? handlers_.prompts_changed
                                : handlers_.resources_changed;
    return [&told](const std::stop_token&) {
      if (told) told();
    };
  }
  if (timers_.empty() || now < timers_.begin()->first) return {};
  return std::move(timers_.extract(timers_.begin()).mapped());
}

void EventThread::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (Task task = next()) {
      lock.unlock();
      try {
        task(stop);
      } catch (...) {  // NOLINT(bugprone-empty-catch): a handler's fault is not the end of the program
      }
      lock.lock();
      continue;
    }
    is_news_ = false;
    wake_.wait_until(lock, stop, next_due(), [&] { return is_news_; });
  }
}

}  // namespace llama::internal
