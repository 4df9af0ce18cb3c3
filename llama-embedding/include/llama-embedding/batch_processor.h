// Embed many texts: a list, or a file of any size as a stream.
//
// Threads  one at a time per object; any number of objects may share an EmbeddingModel.
#pragma once

#include <chrono>
#include <cstdint>
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

namespace llama {

struct BatchStatistics {
  std::uint64_t texts = 0;      // embedded
  std::uint64_t tokens = 0;     // of those, after truncation
  std::uint64_t truncated = 0;  // texts
  std::uint64_t skipped = 0;    // blank lines
  std::uint64_t failed = 0;     // texts without a vector
  std::uint64_t bytes = 0;      // of the embedded and failed texts: tells how far the work is, which a count of texts
                                // does not while long texts go first
  std::uint64_t batches = 0;    // model passes
  std::chrono::nanoseconds compute_time{0};
  std::string
      device;  // "CPU", "Vulkan0"; where the run had to go on elsewhere "Vulkan0, CPU"; "" before the first pass
};

struct TextFailure {
  std::uint64_t line = 0;  // counted from 1
  Error error;
};

struct StreamOptions {
  bool stop_on_error = false;                               // else a text that fails is reported and left out
  std::function<void(const TextFailure&)> on_failure;       // called by the thread that calls next()
  std::function<void(const BatchStatistics&)> on_progress;  // after each pass, by the thread that calls next()
  std::stop_token stop;
};

// The vectors of a file's lines, in order, pulled one by one.
//
// Memory   bounded: about a thousand texts are in flight, fewer where they are long.
// Threads  one at a time; reading and tokenizing run ahead on a thread of their own.
class EmbeddingStream {
 public:
  ~EmbeddingStream();
  EmbeddingStream(EmbeddingStream&&) noexcept;
  EmbeddingStream& operator=(EmbeddingStream&&) noexcept;

  // The next result; nothing at the end.
  //
  // Errors   Io, InvalidText (with stop_on_error), Cancelled, OutOfMemory. The stream is over after an error.
  [[nodiscard]] Result<std::optional<EmbeddingResult>> next();
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
  // Errors   InvalidText (names the text's number, counted from 0), Cancelled.
  [[nodiscard]] Result<std::vector<EmbeddingResult>> process_batch(std::span<const std::string> texts,
                                                                   const std::stop_token& stop = {});

  // "-" is standard input. Lines are read as line_reader.h says.
  //
  // Errors   NotFound, Io.
  [[nodiscard]] Result<EmbeddingStream> process_file(const std::filesystem::path& input,
                                                     StreamOptions options = {}) const;

 private:
  struct State;
  explicit BatchProcessor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
