// Share independent pieces of work among a number of threads.
//
// The pieces go to whoever is free, so that a thread that another process holds up delays one piece and not all. The
// threads are OpenMP's, which ggml's CPU back end uses too: two pools would wait for each other's cores.
#pragma once

#include <atomic>
#include <cstddef>

namespace ggml_packed {

class ThreadTeam {
 public:
  explicit ThreadTeam(int threads) : threads_(threads < 1 ? 1 : threads) {}
  [[nodiscard]] int threads() const { return threads_; }

  // work(i) for each i below count, in any order; back when all are done. It must not throw.
  template <class Work>
  void for_each(std::size_t count, const Work& work) const {
    if (threads_ == 1 || count < 2) {
      for (std::size_t i = 0; i < count; ++i) work(i);
      return;
    }
    std::atomic<std::size_t> next = 0;
#pragma omp parallel num_threads(threads_)
    for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      work(i);
    }
  }

  // work(begin, end) for parts of at least `least` of a range.
  template <class Work>
  void for_ranges(std::size_t count, std::size_t least, const Work& work) const {
    const auto parts_wanted = static_cast<std::size_t>(threads_) * 4;
    std::size_t size = (count + parts_wanted - 1) / parts_wanted;
    if (size < least) size = least;
    for_each((count + size - 1) / size, [&](std::size_t i) {
      const std::size_t begin = i * size;
      work(begin, begin + size < count ? begin + size : count);
    });
  }

 private:
  int threads_;
};

}  // namespace ggml_packed
