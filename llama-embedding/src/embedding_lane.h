// Compute passes on one context of a model, which grows with the texts. Lanes of one model compute side by side.
//
// Threads  one at a time per lane.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "budget_tuner.h"
#include "llama-core/embedding_context.h"
#include "llama-embedding/embedding_model.h"

namespace llama::internal {

struct EmbeddedText {
  std::vector<float> vector;  // {}: the model gives none that is finite (no_finite_vector())
  std::uint64_t time_ms = 0;
};

// The texts of one call, and what becomes of them. Lanes write the results of different texts.
struct EmbeddingJob {
  std::span<const std::span<const Token>> texts;
  std::vector<std::size_t> lengths;  // of the whole texts
  std::size_t prefix = 0;            // of the texts that are being computed
  std::vector<EmbeddedText> results;
};

// One pass through the model.
struct Pass {
  std::size_t tokens = 0;  // that were computed: a prefix once
  std::chrono::nanoseconds time{0};
  std::vector<std::size_t> not_finite;  // of its texts
  bool was_warm = false;                // the lane had computed before: the weights were packed
};

class EmbeddingLane {
 public:
  // tuner     of the model, for so many texts a pass.
  // is_first  of its team: it is to pack the weights.
  EmbeddingLane(const EmbeddingModel& model, std::int32_t texts_per_pass, const BudgetTuner& tuner, bool is_first)
      : model_(model), texts_per_pass_(texts_per_pass), tuner_(tuner), is_first_(is_first) {}

  // passes   that are known to come, of all lanes; no more than kFewBatches: EmbeddingContextConfig::few_batches, as
  //          long as the lane had no context for more.
  //
  // Errors   OutOfMemory.
  [[nodiscard]] Result<void> make_room_for(std::size_t tokens, std::size_t passes = SIZE_MAX);
  [[nodiscard]] bool has_room_for(std::size_t tokens) const {
    return context_ && std::cmp_greater_equal(context_->config().max_tokens, tokens);
  }
  // Of the passes from now on.
  void set_threads(int threads);

  // A pass whose texts may share the job's prefix, or, of a text alone, have none.
  [[nodiscard]] Result<Pass> compute(EmbeddingJob& job, std::span<const std::size_t> batch,
                                     const std::stop_token& stop);

  [[nodiscard]] bool takes_prefix(std::size_t longest) const { return context_ && context_->takes_prefix(longest); }
  [[nodiscard]] bool has_context() const { return context_.has_value(); }
  [[nodiscard]] bool keeps_weights() const { return has_context() && !expects_few_; }
  [[nodiscard]] std::string device() const { return context_ ? context_->device() : ""; }

 private:
  [[nodiscard]] Result<void> make_context(std::int32_t tokens, bool few_passes);
  [[nodiscard]] Result<void> take_vectors(EmbeddingJob& job, std::span<const std::size_t> batch, Pass& pass) const;

  const EmbeddingModel& model_;
  std::int32_t texts_per_pass_;
  const BudgetTuner& tuner_;
  bool is_first_;
  int threads_ = 0;  // 0: as the model's configuration says
  std::optional<EmbeddingContext> context_;
  TokenBatch batch_;
  int passes_until_warm_ = 1;  // until the weights are packed
  bool expects_few_ = true;    // the context, or the one that is to be made
  bool is_tainted_ = false;    // its memory may hold NaN
};

}  // namespace llama::internal
