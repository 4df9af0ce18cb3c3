// The inside of EmbeddingStream: a thread that reads and tokenizes windows of lines ahead of the one that computes.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "embedder.h"
#include "llama-embedding/batch_processor.h"
#include "llama-embedding/line_reader.h"

namespace llama {

namespace internal {

struct WindowLine {
  Line line;
  std::string hash;
  Result<TokenizedText> tokens;
};

// Some lines in order, read together so that batches are full.
struct Window {
  std::vector<WindowLine> lines;
  std::uint64_t blank_lines = 0;  // of the input so far
  std::optional<Error> error;     // reading broke off after these lines
  bool last = false;
};

}  // namespace internal

struct EmbeddingStream::State {
  State(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size, LineReader reader, StreamOptions options);
  ~State();

  Result<std::optional<EmbeddingResult>> next();

  BatchStatistics statistics;

 private:
  void read_ahead(const std::stop_token& stop);
  internal::Window read_window(const std::stop_token& stop);
  Result<bool> fill();  // computes one window; false at the end

  std::shared_ptr<const EmbeddingModel> model_;
  internal::Embedder embedder_;
  LineReader reader_;  // the reading thread's
  StreamOptions options_;
  std::deque<EmbeddingResult> ready_;
  bool over_ = false;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<internal::Window> ahead_;  // one window waits at most
  std::jthread thread_;                    // last: it uses everything above
};

}  // namespace llama
