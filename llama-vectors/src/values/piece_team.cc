#include "values/piece_team.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <format>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace llama::internal {
namespace {

// The first error of several threads, and the stop of the others.
class TeamError {
 public:
  explicit TeamError(const std::stop_token& stop) : forward_(stop, [this] { source_.request_stop(); }) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void set(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
    source_.request_stop();
  }
  [[nodiscard]] Result<void> result(const std::stop_token& stop) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    if (error_) return std::unexpected(std::move(*error_));
    return {};
  }

 private:
  std::stop_source source_;
  std::mutex mutex_;
  std::optional<Error> error_;  // under mutex_
  std::stop_callback<std::function<void()>> forward_;
};

// Runs work(worker) on each of some threads, the last of them this one.
void run_team(std::size_t workers, TeamError& error, const std::function<Result<void>(std::size_t)>& work) {
  const auto guarded = [&](std::size_t worker) noexcept {
    try {
      if (auto done = work(worker); !done) error.set(std::move(done.error()));
    } catch (const std::bad_alloc&) {
      error.set({ErrorCode::OutOfMemory, "there is not enough memory"});
    } catch (const std::exception& exception) {
      error.set({ErrorCode::Internal, exception.what()});
    }
  };
  std::vector<std::jthread> threads;
  try {
    for (std::size_t worker = 0; worker + 1 < workers; ++worker) threads.emplace_back(guarded, worker);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
    // The system gives no more threads: those that there are do the work.
  }
  guarded(workers - 1);
}

}  // namespace

std::size_t team_size(int threads, std::size_t pieces) {
  const std::size_t wanted =
      threads > 0 ? static_cast<std::size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(pieces, 1, wanted);
}

Result<void> read_pieces(const VectorTable& table, const std::vector<std::string>& columns, std::size_t workers,
                         const std::stop_token& stop,
                         const std::function<void(std::size_t, std::size_t, const VectorBlock&)>& use) {
  TeamError error(stop);
  std::atomic<std::size_t> next{0};
  run_team(workers, error, [&](std::size_t worker) -> Result<void> {
    auto reader = table.reader(columns);
    if (!reader) return std::unexpected(reader.error());
    for (std::size_t piece = next++; piece < table.pieces(); piece = next++) {
      if (auto started = (*reader)->start(piece); !started) return started;
      for (;;) {
        const auto block = (*reader)->next(error.token());
        if (!block) return std::unexpected(block.error());
        if (!*block) break;
        use(worker, piece, **block);
      }
    }
    return {};
  });
  return error.result(stop);
}

Result<void> share_work(std::size_t count, std::size_t workers, const std::stop_token& stop,
                        const std::function<void(std::size_t, std::size_t)>& use) {
  TeamError error(stop);
  std::atomic<std::size_t> next{0};
  run_team(workers, error, [&](std::size_t worker) -> Result<void> {
    for (std::size_t item = next++; item < count && !error.token().stop_requested(); item = next++) use(worker, item);
    return {};
  });
  return error.result(stop);
}

}  // namespace llama::internal
