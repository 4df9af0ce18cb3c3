// The inside of EmbeddingStream: a thread that reads and tokenizes windows of texts, and one that computes them while
// the caller does what it does with the last one's vectors. Between two of them at most one window waits.
//
// Memory   five windows: one is read, one waits, one is computed, one is answered, the caller has one.
// Cost     the slowest of reading, computing and what the caller does, not their sum; a lock for each window that goes
//          on, and for each pass where progress is told.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "embedder.h"
#include "llama-embedding/batch_processor.h"
#include "window_reader.h"

namespace llama {

namespace internal {

// What became of a window's rows.
struct AnsweredWindow {
  std::deque<RowResult> rows;
  BatchStatistics statistics;       // with these rows
  std::optional<Error> read_error;  // reading broke off after these rows
  std::optional<Error> failure;     // computing failed: there are no rows
  bool last = false;
};

}  // namespace internal

struct EmbeddingStream::State {
  State(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size, std::unique_ptr<TextSource> source,
        StreamOptions options);
  ~State();

  Result<std::optional<EmbeddingResult>> next();
  Result<std::vector<RowResult>> next_rows();

  BatchStatistics statistics;

 private:
  void read_ahead(const std::stop_token& stop);  // the reading thread
  internal::WindowBounds window_bounds() const;
  bool hand_over(internal::Window window, const std::stop_token& stop);  // false: stopped

  void compute_ahead();                           // the computing thread
  std::optional<internal::Window> take_window();  // nothing: stopped
  internal::AnsweredWindow answer(internal::Window& window);
  Result<void> compute(internal::Window& window, std::deque<RowResult>& rows);
  void tell_progress();
  bool deliver(internal::AnsweredWindow window);  // false: stopped
  void choose_window(std::size_t tokens, std::chrono::steady_clock::duration time);
  TextFailure failure_of(const internal::WindowRow& row, const Error& error) const;

  Result<void> fill();  // the caller's: waits for a window, and tells of progress meanwhile

  StreamOptions options_;
  std::deque<RowResult> ready_;
  std::optional<Error> error_;  // comes after what is ready
  bool over_ = false;

  internal::Embedder embedder_;  // the computing thread's, and what it has done
  BatchStatistics computed_;
  internal::WindowReader reader_;  // the reading thread's

  std::size_t window_texts_;                // of one, at most
  std::atomic<std::size_t> window_tokens_;  // the same

  std::stop_source end_;  // of computing
  std::stop_callback<std::function<void()>> stopped_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<internal::Window> ahead_;             // one window waits at most,
  std::optional<internal::AnsweredWindow> answered_;  // and one for the caller
  std::optional<BatchStatistics> progress_;           // the latest that the caller was not told of
  std::jthread reading_, computing_;                  // last: they use everything above
};

}  // namespace llama
