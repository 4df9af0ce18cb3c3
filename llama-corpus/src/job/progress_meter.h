// How far a job is, also while a window of texts is computed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "llama-corpus/embed_job.h"
#include "llama-embedding/batch_processor.h"
#include "row_output.h"

namespace llama::internal {

class ProgressMeter {
 public:
  ProgressMeter(const JobOptions& options, const RowOutput& output) : options_(options), output_(output) {}

  void during_window(const BatchStatistics& now) {
    const bool texts_are_rows = options_.on_long != OnLong::Chunk;
    report(texts_are_rows ? now.texts + now.failed - texts_ : 0, texts_are_rows ? now.bytes - bytes_ : 0, now.tokens);
  }
  void after_window(const BatchStatistics& now) {
    texts_ = now.texts + now.failed;
    bytes_ = now.bytes;
    report(0, 0, now.tokens);
  }

 private:
  void report(std::uint64_t rows, std::uint64_t bytes, std::uint64_t tokens) {
    // Duplicates and rows that wait for others are counted later than their texts.
    progress_.rows = std::max(progress_.rows, output_.counts().rows_in + rows);
    progress_.bytes = std::max(progress_.bytes, output_.text_bytes() + bytes);
    progress_.tokens = tokens;
    if (options_.on_progress) options_.on_progress(progress_);
  }
  const JobOptions& options_;
  const RowOutput& output_;
  JobProgress progress_;
  std::uint64_t texts_ = 0, bytes_ = 0;  // at the end of the last window
};

}  // namespace llama::internal
