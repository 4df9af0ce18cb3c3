// Share independent pieces of work among a number of threads.
//
// The pieces go to whoever is free, and nobody waits for a thread that has none: where another process holds up a
// thread of ours, one piece is late and not everything. Waiting threads spin for some microseconds and then sleep, so
// that two threads on one core do not keep each other from working. What threads count with and what they wait for lie
// in lines of the cache of their own: a reply's token is some two hundred jobs of microseconds.
//
// Threads  one caller at a time; any number of teams.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace ggml_packed {

class ThreadTeam {  // NOLINT(clang-analyzer-optin.performance.Padding): lines of the cache are meant to be apart
 public:
  explicit ThreadTeam(int threads) : threads_(threads < 1 ? 1 : threads) {}
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  [[nodiscard]] int threads() const { return threads_; }

  // work(i) for each i below count, in any order; back when all are done. It must not throw.
  template <class Work>
  void for_each(std::size_t count, const Work& work) {
    if (threads_ == 1 || count < 2) {
      for (std::size_t i = 0; i < count; ++i) work(i);
      return;
    }
    run(count, [](const void* context, std::size_t i) { (*static_cast<const Work*>(context))(i); }, &work, 1);
  }

  // The same, but each thread begins with a contiguous share of the pieces, always the same one, and takes those of
  // others when it has done these. Where the pieces of operation after operation are the same rows, what a thread reads
  // is mostly in its core's cache; where they are weights, it reads memory in order.
  template <class Work>
  void for_each_at_home(std::size_t count, const Work& work) {
    if (threads_ == 1 || count < 2) return for_each(count, work);
    run(
        count, [](const void* context, std::size_t i) { (*static_cast<const Work*>(context))(i); }, &work,
        shares_.size());
  }

  // work(begin, end) for parts of at least `least` of a range, as for_each_at_home() shares them out.
  template <class Work>
  void for_ranges(std::size_t count, std::size_t least, const Work& work) {
    const auto parts_wanted = static_cast<std::size_t>(threads_) * 4;
    std::size_t size = (count + parts_wanted - 1) / parts_wanted;
    if (size < least) size = least;
    for_each_at_home((count + size - 1) / size, [&](std::size_t i) {
      const std::size_t begin = i * size;
      work(begin, begin + size < count ? begin + size : count);
    });
  }

  // work(begin, end) for parts of a range, at home too: half of a thread's share, half of the rest, and so on. For work
  // that is faster the longer it goes on, as reading memory is; what is left at the end is small, so that nobody waits
  // long for the last part.
  template <class Work>
  void for_shrinking_ranges(std::size_t count, const Work& work) {
    const auto threads = static_cast<std::size_t>(threads_);
    const auto parts = static_cast<std::size_t>(std::max(std::bit_width(count / threads), 1));
    for_each_at_home(threads * parts, [&](std::size_t i) {
      const std::size_t home = i / parts, part = i % parts, end = count * (home + 1) / threads;
      const std::size_t all = end - count * home / threads;
      work(end - (all >> part), part + 1 == parts ? end : end - (all >> (part + 1)));
    });
  }

 private:
  static constexpr std::size_t kCacheLine = 64;
  using Function = void (*)(const void* context, std::size_t i);

  // The pieces of a job that one thread begins with.
  struct alignas(kCacheLine) Share {
    // Which job it is (upper half) and how many of its pieces nobody has taken yet (lower half). Whoever counts it down
    // has taken a piece; a job does not end before its pieces are done, so what was read of it in between is that
    // job's. With none left nothing may be read: the next job may be under way.
    std::atomic<std::uint64_t> left = 0;
    std::atomic<std::uint32_t> end = 0;  // of its pieces
  };

  void run(std::size_t count, Function function, const void* context, std::size_t shares);
  void work_on(std::size_t home);  // pieces of this share, then of the next ones, until there are none left to take
  void take_from(Share& share);    // its pieces, until there is none left
  void serve(std::size_t home);    // a worker's life

  int threads_;
  std::vector<std::jthread> workers_;  // started with the first work
  std::atomic<bool> closing_ = false;

  std::uint32_t job_ = 0;
  std::vector<Share> shares_ = std::vector<Share>(static_cast<std::size_t>(threads_));
  std::atomic<std::size_t> used_ = 0;  // shares
  std::atomic<Function> function_ = nullptr;
  std::atomic<const void*> context_ = nullptr;
  std::atomic<std::uint32_t> count_ = 0;
  alignas(kCacheLine) std::atomic<std::uint32_t> done_ = 0;   // pieces
  alignas(kCacheLine) std::atomic<std::uint32_t> epoch_ = 0;  // grows with each job: what sleeping workers watch
};

}  // namespace ggml_packed
