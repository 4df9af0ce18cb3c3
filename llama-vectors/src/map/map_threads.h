// Run a function over parts of a range on several threads.
//
// Which thread has which part is chance, so what the function writes may depend on its part alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stop_token>
#include <thread>
#include <vector>

namespace llama::internal {

[[nodiscard]] inline std::size_t thread_count(std::size_t wanted) {
  return wanted > 0 ? wanted : std::max(1U, std::thread::hardware_concurrency());
}

// work(begin, end) for parts of at most part_size; done(share) on the caller's thread between its own parts.
// Returns false where it was stopped.
template <class Work, class Done>
bool for_parts(std::size_t count, std::size_t part_size, std::size_t threads, const std::stop_token& stop, Work&& work,
               Done&& done) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&](bool tells) {
    while (!stop.stop_requested()) {
      const std::size_t begin = next.fetch_add(part_size);
      if (begin >= count) return;
      if (tells) done(static_cast<double>(begin) / static_cast<double>(count));
      work(begin, std::min(count, begin + part_size));
    }
  };
  {
    std::vector<std::jthread> others;
    const std::size_t parts = (count + part_size - 1) / part_size;
    for (std::size_t i = 1; i < std::min(threads, parts); ++i) others.emplace_back([&run] { run(false); });
    run(true);
  }
  return !stop.stop_requested();
}

}  // namespace llama::internal
