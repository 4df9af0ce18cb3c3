// Share independent pieces of work among a number of threads.
//
// The pieces go to whoever is free, and nobody waits for a thread that has none: where another process holds up a
// thread of ours, one piece is late and not everything. Waiting threads spin for some microseconds and then sleep, so
// that two threads on one core do not keep each other from working.
//
// Threads  one caller at a time; any number of teams.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace ggml_packed {

class ThreadTeam {
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
    run(count, [](const void* context, std::size_t i) { (*static_cast<const Work*>(context))(i); }, &work);
  }

  // work(begin, end) for parts of at least `least` of a range.
  template <class Work>
  void for_ranges(std::size_t count, std::size_t least, const Work& work) {
    const auto parts_wanted = static_cast<std::size_t>(threads_) * 4;
    std::size_t size = (count + parts_wanted - 1) / parts_wanted;
    if (size < least) size = least;
    for_each((count + size - 1) / size, [&](std::size_t i) {
      const std::size_t begin = i * size;
      work(begin, begin + size < count ? begin + size : count);
    });
  }

  // work(begin, end) for parts of a range, large ones first: for work that is faster the longer it goes on, as reading
  // memory is. What is left at the end is small, so that nobody waits long for the last part.
  template <class Work>
  void for_shrinking_ranges(std::size_t count, const Work& work) {
    const std::size_t share = static_cast<std::size_t>(threads_) * 2;
    std::vector<std::size_t> begins = {0};
    while (begins.back() < count)
      begins.push_back(begins.back() + std::max<std::size_t>((count - begins.back()) / share, 1));
    for_each(begins.size() - 1, [&](std::size_t i) { work(begins[i], begins[i + 1]); });
  }

 private:
  using Function = void (*)(const void* context, std::size_t i);

  void run(std::size_t count, Function function, const void* context);
  void work_on();  // pieces, until there is none left to take
  void serve();    // a worker's life

  int threads_;
  std::vector<std::jthread> workers_;  // started with the first work
  std::atomic<bool> closing_ = false;

  // Which job it is (upper half) and how many of its pieces nobody has taken yet (lower half). Whoever counts it down
  // has taken a piece; a job does not end before its pieces are done, so what was read of it in between is that job's.
  // With none left nothing may be read: the next job may be under way.
  std::atomic<std::uint64_t> left_ = 0;
  std::atomic<Function> function_ = nullptr;
  std::atomic<const void*> context_ = nullptr;
  std::atomic<std::uint32_t> count_ = 0;
  std::atomic<std::uint32_t> done_ = 0;   // pieces
  std::atomic<std::uint32_t> epoch_ = 0;  // grows with each job: what sleeping workers watch
};

}  // namespace ggml_packed
