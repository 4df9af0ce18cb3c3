// Embed many texts: a list, or a source of any size (text_source.h) as a stream.
//
// Threads  one at a time per object; any number of objects may share an EmbeddingModel.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-embedding/embedding_model.h"
#include "llama-embedding/embedding_result.h"
#include "llama-embedding/text_source.h"

namespace llama {

struct BatchStatistics {
  std::uint64_t texts = 0;       // embedded
  std::uint64_t tokens = 0;      // of those, after truncation
  std::uint64_t truncated = 0;   // texts
  std::uint64_t skipped = 0;     // rows that hold no text: blank lines
  std::uint64_t failed = 0;      // texts without a vector
  std::uint64_t not_finite = 0;  // of those: the model gives NaN or infinity
  std::uint64_t bytes = 0;       // of the embedded and failed texts: tells how far the work is, which a count of texts
                                 // does not while long texts go first
  std::uint64_t batches = 0;     // model passes
  std::chrono::nanoseconds compute_time{0};
  std::string
      device;  // "CPU", "Vulkan0"; where the run had to go on elsewhere "Vulkan0, CPU"; "" before the first pass
};

// A text without a vector.
struct TextFailure {
  std::uint64_t row = 0;  // the source's number of it
  Error error;            // its message names the row as the source does: "line 17: not valid UTF-8"
};

// What became of one row.
using RowResult = std::expected<EmbeddingResult, TextFailure>;

struct StreamOptions {
  bool stop_on_error = false;                          // else a text that fails is reported and left out
  std::function<void(const TextFailure&)> on_failure;  // called by next(), when its row's turn comes
  // By the thread that calls next(), while it waits there; after each batch, or for several at once.
  std::function<void(const BatchStatistics&)> on_progress;
  std::stop_token stop;
  // Vectors are handed out when so much time was computed, about, or sooner; 0: when the stream's memory is full, which
  // takes a large model minutes. For callers that keep what is done.
  std::chrono::milliseconds window_time{0};
};

// The vectors of a source's texts, in the source's order, pulled by one call after another.
//
// Each row is answered once, by a vector or a failure. When the source says Pause, all rows before it can be had
// without one more text: whoever writes into a pipe may wait for the answers.
// Memory   bounded: some thousand texts are in flight, fewer where they are long.
// Threads  one at a time; reading and tokenizing run ahead on a thread of their own, and so does computing: the next
//          texts are computed while the caller writes what it has got. EmbeddingConfig::on_notice is called there.
// Errors   of both calls: the source's own (after the rows before it), InvalidText (with stop_on_error), InvalidModel
//          (32 texts in a row without a finite vector; with stop_on_error one), Cancelled, OutOfMemory. The stream is
//          over after an error.
class EmbeddingStream {
 public:
  ~EmbeddingStream();
  EmbeddingStream(EmbeddingStream&&) noexcept;
  EmbeddingStream& operator=(EmbeddingStream&&) noexcept;

  // The next vector; nothing at the end. Failures go to on_failure.
  [[nodiscard]] Result<std::optional<EmbeddingResult>> next();

  // All rows that were computed together and were not handed out yet, failures among them; {} at the end.
  //
  // For callers that write, count or commit many rows at once, and for those that somebody waits for: after the last of
  // these rows the stream may have to wait for the source.
  [[nodiscard]] Result<std::vector<RowResult>> next_rows();

  [[nodiscard]] const BatchStatistics& statistics() const;

 private:
  friend class BatchProcessor;
  struct State;
  explicit EmbeddingStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class BatchProcessor {
 public:
  // batch_size is the most texts in one pass; it changes the speed and not the vectors.
  //
  // Errors   InvalidArgument for a batch size below 1 or no model.
  [[nodiscard]] static Result<BatchProcessor> create(const std::shared_ptr<const EmbeddingModel>& model,
                                                     std::int32_t batch_size);
  ~BatchProcessor();
  BatchProcessor(BatchProcessor&&) noexcept;
  BatchProcessor& operator=(BatchProcessor&&) noexcept;

  // Shape    n texts -> n results; result i belongs to texts[i].
  // Errors   InvalidText, InvalidModel (no finite vector); both name the text's number, counted from 0. Cancelled.
  [[nodiscard]] Result<std::vector<EmbeddingResult>> process_batch(std::span<const std::string> texts,
                                                                   const std::stop_token& stop = {});

  // Errors   InvalidArgument for no source.
  [[nodiscard]] Result<EmbeddingStream> process_source(std::unique_ptr<TextSource> source,
                                                       StreamOptions options = {}) const;

  // The same for the lines of a file, a pipe or standard input ("-"), read as text_file.h says.
  //
  // Errors   those of TextFile::open.
  [[nodiscard]] Result<EmbeddingStream> process_file(const std::filesystem::path& input,
                                                     StreamOptions options = {}) const;

 private:
  struct State;
  explicit BatchProcessor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
