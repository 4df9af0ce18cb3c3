// Turn what the model gives into the answers that rows are written with, and keep them.
//
// Int8 vectors need scales first. Where no calibration gives them, answers wait until there are 1,000 vectors, or until
// nothing more comes without rows being written; so the scales depend on the input alone.
#pragma once

#include <string_view>
#include <vector>

#include "../store/text_store.h"
#include "job_row.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/vector_store.h"
#include "llama-embedding/batch_processor.h"
#include "vector_encoder.h"
#include "vector_sources.h"

namespace llama::internal {

// The journal keeps the scales under this name.
inline constexpr std::string_view kScalesSetting = "int8 scales";

class Answers {
 public:
  struct Parts {
    const EmbeddingModel& model;
    const JobOptions& options;
    TextStore& texts;
    VectorStore* vectors;  // or nothing
    const VectorSources& sources;
    VectorEncoder& encoder;
  };
  // What parts refer to must outlive it.
  explicit Answers(Parts parts) : parts_(parts) {}

  // results: the stream's, in order; awaited: the texts that they answer, and those among them that need no result.
  // rows: how many rows are answered so far.
  [[nodiscard]] Result<void> take(std::vector<RowResult> results, std::vector<AwaitedText> awaited, std::uint64_t rows);

  // Some answers wait for scales.
  [[nodiscard]] bool is_sampling() const { return !sample_.empty(); }
  [[nodiscard]] Result<void> end_sample(std::uint64_t rows);

  // Of a text up to TextStore::answered(). Valid until the next call.
  [[nodiscard]] Result<const TextAnswer*> find(TextNumber number);

  [[nodiscard]] std::uint64_t computed() const { return computed_; }
  [[nodiscard]] std::uint64_t from_store() const { return from_store_; }

 private:
  struct Raw {
    TextDigest digest{};
    TextAnswer answer{};  // without its vector
    std::vector<float> vector{};
    bool is_computed = false;
  };
  [[nodiscard]] Raw raw_of(AwaitedText awaited, std::optional<RowResult> result) const;
  [[nodiscard]] Result<void> keep(std::vector<Raw> raws, std::uint64_t rows);
  [[nodiscard]] Result<void> keep_vectors(std::vector<Raw> raws);  // of window_

  Parts parts_;
  std::vector<Raw> sample_;
  std::vector<TextStore::Answered> window_;  // the last that were kept: rows that follow need them most
  TextNumber window_begin_ = 0;
  TextAnswer found_;
  std::uint64_t computed_ = 0, from_store_ = 0;
};

}  // namespace llama::internal
