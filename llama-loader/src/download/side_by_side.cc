#include "download/side_by_side.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "hub/hub_failure.h"

namespace llama::internal {
namespace {

constexpr std::chrono::milliseconds kTickOfMany{100};

}  // namespace

Result<void> side_by_side(std::size_t count, std::size_t workers, const std::stop_token& stop,
                          const std::function<Result<void>(const PieceOfWork&)>& work,
                          const std::function<void()>& tick) {
  std::stop_source stop_all;
  const std::stop_callback forward(stop, [&] { stop_all.request_stop(); });
  std::mutex mutex;
  std::condition_variable ended;
  std::size_t next = 0, running = std::min(workers, count);
  std::optional<Error> error;
  const auto take = [&]() -> std::optional<std::size_t> {
    const std::scoped_lock lock(mutex);
    return next < count && !stop_all.stop_requested() ? std::optional(next++) : std::nullopt;
  };
  const auto run = [&](std::size_t worker) {
    while (const auto number = take()) {
      const auto done = work({.worker = worker, .number = *number, .stop = stop_all.get_token()});
      if (done) continue;
      const std::scoped_lock lock(mutex);
      if (!error || error->code == ErrorCode::Cancelled) error = done.error();
      stop_all.request_stop();
    }
    {
      const std::scoped_lock lock(mutex);
      --running;
    }
    ended.notify_all();
  };
  std::vector<std::jthread> threads;
  for (std::size_t worker = 0; worker < std::min(workers, count); ++worker)
    threads.emplace_back([&run, worker] { run(worker); });
  for (std::unique_lock lock(mutex); !ended.wait_for(lock, kTickOfMany, [&] { return running == 0; });) {
    lock.unlock();
    tick();
    lock.lock();
  }
  threads.clear();
  tick();
  if (error) return std::unexpected(*error);
  if (next < count) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
  return {};
}

}  // namespace llama::internal
