// Compute vectors for tokenized texts, in batches, on one context that grows with the texts.
//
// Threads  one at a time per object; any number of objects may share a model.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-core/embedding_context.h"
#include "llama-embedding/embedding_model.h"
#include "shared_prefix.h"

namespace llama::internal {

struct EmbeddedText {
  std::vector<float> vector;  // {}: the model gives none that is finite (no_finite_vector())
  std::uint64_t time_ms = 0;
};

// So many texts in a row without a finite vector, and it is the model and not the texts.
inline constexpr int kMaxNotFinite = 32;

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

  [[nodiscard]] std::chrono::nanoseconds compute_time() const { return compute_time_; }
  [[nodiscard]] std::uint64_t batches() const { return batches_; }
  [[nodiscard]] const std::string& device() const { return device_; }  // that computed; where it changed "Vulkan0, CPU"

 private:
  // The texts of one call, and what becomes of them.
  struct Job {
    std::span<const std::span<const Token>> texts;
    std::vector<std::size_t> lengths;  // of the whole texts
    std::size_t prefix;                // of the texts that are being computed
    const std::stop_token& stop;
    const std::function<void(std::span<const std::size_t>)>& on_batch;
    std::vector<EmbeddedText> results;
  };
  // One pass through the model.
  struct Pass {
    std::size_t tokens = 0;  // that were computed: a prefix once
    std::chrono::nanoseconds time{0};
    std::vector<std::size_t> not_finite;  // of its texts
  };
  [[nodiscard]] Result<void> make_context(std::int32_t tokens);
  [[nodiscard]] Result<void> make_room_for(std::size_t tokens);
  [[nodiscard]] Result<std::vector<PrefixGroup>> group_texts(const Job& job);
  [[nodiscard]] Result<void> compute_group(Job& job, const PrefixGroup& group);
  // What the texts add to the tokens of a pass.
  [[nodiscard]] static std::vector<std::size_t> own_lengths(const Job& job, std::span<const std::size_t> texts);
  // Computes a part of the texts at each budget in turn. Returns those that are left.
  [[nodiscard]] Result<std::vector<std::size_t>> measure_budgets(Job& job, std::span<const std::size_t> texts);
  // A batch with all that belongs to it. Returns its pass, without those of texts that were tried again.
  [[nodiscard]] Result<Pass> compute(Job& job, std::span<const std::size_t> batch);
  [[nodiscard]] Result<Pass> compute_pass(Job& job, std::span<const std::size_t> batch);

  std::shared_ptr<const EmbeddingModel> keep_alive_;
  const EmbeddingModel& model_;
  std::int32_t batch_size_;
  BudgetTuner& tuner_;  // the model's, for that batch size
  std::optional<EmbeddingContext> context_;
  TokenBatch batch_;
  std::chrono::nanoseconds compute_time_{0};
  bool shares_prefixes_ = true;
  bool warm_ = false;          // the context has computed: the weights are packed
  bool is_tainted_ = false;    // its memory may hold NaN
  int not_finite_in_row_ = 0;  // texts, up to the last one
  std::uint64_t batches_ = 0;
  std::string device_, last_device_;
};

}  // namespace llama::internal
