#include "request_queue.h"

#include <format>
#include <iterator>
#include <utility>

#include "guarded.h"

namespace llama::internal {

Result<void> RequestQueue::push(std::unique_ptr<Job> job) {
  {
    const std::scoped_lock lock(mutex_);
    if (is_closed_) return fail(ErrorCode::Cancelled, "the server has shut down");
    if (std::ssize(jobs_) >= max_size_) {
      return fail(ErrorCode::Busy,
                  std::format("{} requests wait already, which is all that may: try again later", max_size_));
    }
    jobs_.push_back(std::move(job));
    jobs_.back()->counts = counts_;
    counts_->submitted();
    counts_->waiting(jobs_.size());
  }
  wake_.notify_one();
  return {};
}

void RequestQueue::close() {
  {
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
  }
  wake_.notify_all();
}

bool RequestQueue::wait(bool has_work) {
  std::unique_lock lock(mutex_);
  if (!has_work) wake_.wait(lock, [&] { return is_closed_ || !jobs_.empty(); });
  return !is_closed_;
}

void RequestQueue::drop_ended() {
  std::list<std::unique_ptr<Job>> dropped;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    for (auto job = jobs_.begin(); job != jobs_.end();) {
      const auto next = std::next(job);
      if (is_closed_ || (*job)->cancel.stop_requested() || now >= (*job)->deadline) {
        dropped.splice(dropped.end(), jobs_, job);
      }
      job = next;
    }
    counts_->waiting(jobs_.size());
  }
  // Where there is no memory for the words, this request ends without them, with its last owner, and no other with it.
  for (auto& job : dropped) static_cast<void>(guarded("a request could not be told its end", [&] { end_early(*job); }));
}

void RequestQueue::end_early(Job& job) {
  const bool cancelled = job.cancel.stop_requested() || Clock::now() < job.deadline;
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - job.submitted);
  job.end(cancelled ? fail(ErrorCode::Cancelled, "the request was cancelled while it waited")
                    : fail(ErrorCode::TimedOut,
                           std::format("the request waited for {} s, which is as long as it may", waited.count())));
}

}  // namespace llama::internal
