// The inside of EmbeddingStream: a thread that reads and tokenizes windows of texts ahead of the one that computes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "embedder.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/text_source.h"

namespace llama {

namespace internal {

struct WindowRow {
  std::uint64_t row = 0;
  std::string text;
  std::string hash;
  Result<TokenizedText> tokens;  // or why the row fails
};

// Some rows in order, read together so that batches are full.
struct Window {
  std::vector<WindowRow> rows;
  std::size_t bytes = 0, tokens = 0;  // of the rows
  std::uint64_t skipped = 0;          // rows without text between them
  std::optional<Error> error;         // reading broke off after these rows
  bool last = false;

  [[nodiscard]] bool is_full(std::size_t max_tokens) const;
  // Both together are within the bounds of one.
  [[nodiscard]] bool has_room_for(const Window& more, std::size_t max_tokens) const;
  void append(Window more);
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
  void read_ahead(const std::stop_token& stop);  // the thread
  internal::Window read_window(const std::stop_token& stop);
  void add_row(internal::Window& window, SourceText row) const;
  bool hand_over(internal::Window window, const std::stop_token& stop);  // false: stopped

  Result<internal::Window> take_window();
  Result<void> fill();  // computes one window
  Result<void> compute(internal::Window& window);
  void choose_window(std::size_t tokens, std::chrono::steady_clock::duration time);
  TextFailure failure_of(const internal::WindowRow& row, const Error& error) const;

  std::shared_ptr<const EmbeddingModel> model_;
  internal::Embedder embedder_;
  std::unique_ptr<TextSource> source_;
  StreamOptions options_;
  std::deque<RowResult> ready_;
  std::optional<Error> error_;  // comes after what is ready
  bool over_ = false;

  SourceBatch unread_;           // of the source's last batch: what is in no window yet; the thread's
  std::size_t unread_from_ = 0;  // its first text that is not

  std::atomic<std::size_t> window_tokens_;  // of one, at most

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<internal::Window> ahead_;  // one window waits at most
  std::jthread thread_;                    // last: it uses everything above
};

}  // namespace llama
