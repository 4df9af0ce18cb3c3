#include "plugin/thread_team.h"

#include <algorithm>

namespace ggml_packed {
namespace {

// About 15 microseconds: longer than the pause between two operations of a graph.
constexpr int kSpins = 1000;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// So many threads' shares does a thread look at when its own is done: each costs a line of the cache that another core
// has written. Whoever is held up is helped by as many; its share ends even if by nobody else.
constexpr std::size_t kHelped = 8;

// Until `value` is no longer `old`.
void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadTeam::~ThreadTeam() {
  closing_ = true;
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  workers_.clear();  // joined while all that they look at is still there
}

void ThreadTeam::run(std::size_t count, Function function, const void* context, std::size_t shares) {
  while (workers_.size() + 1 < static_cast<std::size_t>(threads_)) {
    workers_.emplace_back([this, home = workers_.size() + 1] { serve(home); });
  }
  function_.store(function, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  count_.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  used_.store(shares, std::memory_order_relaxed);
  ++job_;
  for (std::size_t i = 0; i < shares; ++i) {
    const std::size_t begin = count * i / shares, end = count * (i + 1) / shares;
    shares_[i].end.store(static_cast<std::uint32_t>(end), std::memory_order_relaxed);
    shares_[i].left.store(std::uint64_t{job_} << 32U | (end - begin), std::memory_order_release);
  }
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  work_on(0);
  for (std::uint32_t done; (done = done_.load(std::memory_order_acquire)) < count;) wait_while(done_, done);
}

void ThreadTeam::work_on(std::size_t home) {
  const std::size_t shares = used_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < std::min(shares, 1 + kHelped); ++i) take_from(shares_[(home + i) % shares]);
}

void ThreadTeam::take_from(Share& share) {
  std::uint64_t left = share.left.load(std::memory_order_acquire);
  while (static_cast<std::uint32_t>(left) > 0) {
    const Function function = function_.load(std::memory_order_relaxed);
    const void* context = context_.load(std::memory_order_relaxed);
    const std::uint32_t count = count_.load(std::memory_order_relaxed);
    const std::uint32_t end = share.end.load(std::memory_order_relaxed);
    if (!share.left.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    function(context, end - static_cast<std::uint32_t>(left));
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done_.notify_one();
    left = share.left.load(std::memory_order_acquire);
  }
}

void ThreadTeam::serve(std::size_t home) {
  std::uint32_t seen = 0;
  for (;;) {
    wait_while(epoch_, seen);
    seen = epoch_.load(std::memory_order_acquire);
    if (closing_) return;
    work_on(home);
  }
}

}  // namespace ggml_packed
