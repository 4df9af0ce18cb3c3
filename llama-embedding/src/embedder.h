// Compute vectors for tokenized texts: plan their batches, choose the budget, and have a team of lanes compute them.
//
// Threads  one at a time per object; any number of objects may share a model.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lane_team.h"
#include "llama-embedding/embedding_model.h"
#include "shared_prefix.h"

namespace llama::internal {

// Why a text has no vector.
[[nodiscard]] Error no_finite_vector();

class Embedder {
 public:
  explicit Embedder(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size);
  Embedder(const EmbeddingModel& model, std::int32_t batch_size);

  // The most texts of one pass where batch_size is asked for.
  [[nodiscard]] static std::int32_t texts_per_pass(std::int32_t batch_size);

  // Whether tokens that the texts of a call begin with in common are computed once per pass, where the model allows it
  // and it is faster: it is so unless tests or measurements compare.
  void share_prefixes(bool share) { shares_prefixes_ = share; }

  // Shape    row i of the result belongs to texts[i].
  // Errors   InvalidModel: kMaxNotFinite texts in a row, of this call and those before it, have no finite vector.
  // on_batch is told which texts a batch finished.
  [[nodiscard]] Result<std::vector<EmbeddedText>> embed(
      std::span<const std::span<const Token>> texts, const std::stop_token& stop,
      const std::function<void(std::span<const std::size_t>)>& on_batch = {});

  // So many passes are computed at the same time, at most.
  [[nodiscard]] std::size_t most_lanes() const { return lanes_.most_lanes(); }
  // While anything was computed, however many lanes did.
  [[nodiscard]] std::chrono::nanoseconds compute_time() const { return compute_time_; }
  [[nodiscard]] std::uint64_t batches() const { return batches_; }     // passes
  [[nodiscard]] const std::string& device() const { return device_; }  // that computed; where it changed "Vulkan0, CPU"

 private:
  using Batches = std::vector<std::vector<std::size_t>>;
  struct Call {
    EmbeddingJob job;
    const std::stop_token& stop;
    const std::function<void(std::span<const std::size_t>)>& on_batch;
  };
  [[nodiscard]] Result<std::vector<PrefixGroup>> group_texts(const EmbeddingJob& job);
  [[nodiscard]] Result<void> compute_group(Call& call, const PrefixGroup& group);
  // What the texts add to the tokens of a pass.
  [[nodiscard]] static std::vector<std::size_t> own_lengths(const EmbeddingJob& job,
                                                            std::span<const std::size_t> texts);
  [[nodiscard]] std::size_t even_budget(std::span<const std::size_t> lengths, std::size_t budget) const;
  // Computes a part of the texts at each budget in turn. Returns those that are left.
  [[nodiscard]] Result<std::vector<std::size_t>> measure_budgets(Call& call, std::span<const std::size_t> texts);
  [[nodiscard]] Result<void> compute(Call& call, std::span<const std::vector<std::size_t>> batches,
                                     const std::function<void(const FinishedBatch&)>& on_batch = {});
  void note_device();

  std::shared_ptr<const EmbeddingModel> keep_alive_;
  const EmbeddingModel& model_;
  std::int32_t batch_size_;
  BudgetTuner& tuner_;  // the model's, for that batch size
  LaneTeam lanes_;
  std::chrono::nanoseconds compute_time_{0};
  bool shares_prefixes_ = true;
  std::uint64_t batches_ = 0;
  std::string device_, last_device_;
};

}  // namespace llama::internal
