#include "embedding_lane.h"

#include <algorithm>

namespace llama::internal {

Result<void> EmbeddingLane::make_context(std::int32_t tokens, bool few_passes) {
  is_tainted_ = false;
  expects_few_ = few_passes;
  passes_until_warm_ = few_passes ? static_cast<int>(kFewBatches) + 1 : 1;
  const auto make = [&] {
    return EmbeddingContext::create(model_.shared_model(),
                                    {.max_tokens = tokens,
                                     .max_sequences = texts_per_pass_,
                                     .threads = threads_ > 0 ? threads_ : model_.config().threads,
                                     .pooling = model_.pooling(),
                                     .warm_up = is_first_,
                                     .few_batches = few_passes});
  };
  // While the old one lives the new one shares its packed weights; where there is no room for both it goes first.
  auto made = make();
  if (!made && made.error().code == ErrorCode::OutOfMemory && context_) {
    context_.reset();
    made = make();
  }
  if (!made) return std::unexpected(made.error());
  context_ = std::move(*made);
  return {};
}

Result<void> EmbeddingLane::make_room_for(std::size_t tokens, std::size_t passes) {
  const auto needed = static_cast<std::int32_t>(tokens);
  if (has_room_for(tokens)) return {};
  const bool few = expects_few_ && passes <= kFewBatches;
  // A larger cache of keys and values takes longer to clear: 30 ms for 512 tokens of the 0.6B.
  if (passes == 1 && !context_) return make_context(needed, few);
  // For a pass of the whole budget, unless the longest texts together are smaller.
  const std::int32_t budget = tuner_.choice().budget, longest = model_.max_sequence_length();
  const auto most = static_cast<std::int32_t>(std::min<std::int64_t>(budget, std::int64_t{longest} * texts_per_pass_));
  std::int32_t size = std::max(needed, most);
  // Grow by half at least, so that slowly lengthening texts do not make a context each, but never beyond the model.
  if (context_) size = std::max(size, std::min(context_->config().max_tokens * 3 / 2, std::max(budget, longest)));
  return make_context(size, few);
}

void EmbeddingLane::set_threads(int threads) {
  threads_ = threads;
  if (context_) context_->set_threads(threads);
}

Result<Pass> EmbeddingLane::compute(EmbeddingJob& job, std::span<const std::size_t> batch,
                                    const std::stop_token& stop) {
  if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
  batch_.clear();
  // A text alone has none to share: a text that is tried again depends on nothing but itself.
  const std::size_t prefix = batch.size() > 1 ? job.prefix : 0;
  if (auto set = batch_.set_prefix(job.texts[batch.front()].first(prefix)); !set) return std::unexpected(set.error());
  for (const std::size_t i : batch) {
    if (auto added = batch_.add_sequence(job.texts[i].subspan(prefix)); !added) return std::unexpected(added.error());
  }
  if (is_tainted_) {
    if (auto made = make_context(context_->config().max_tokens, expects_few_); !made)
      return std::unexpected(made.error());
  }
  if (auto room = make_room_for(batch_.token_count()); !room) return std::unexpected(room.error());

  const auto started = std::chrono::steady_clock::now();
  if (auto computed = context_->compute(batch_, stop); !computed) return std::unexpected(computed.error());
  Pass pass{.tokens = batch_.token_count(),
            .time = std::chrono::steady_clock::now() - started,
            .not_finite = {},
            .was_warm = passes_until_warm_ == 0};
  passes_until_warm_ = std::max(passes_until_warm_ - 1, 0);
  if (auto taken = take_vectors(job, batch, pass); !taken) return std::unexpected(taken.error());
  is_tainted_ = !pass.not_finite.empty() && !model_.model().is_encoder();
  return pass;
}

Result<void> EmbeddingLane::take_vectors(EmbeddingJob& job, std::span<const std::size_t> batch, Pass& pass) const {
  for (std::size_t sequence = 0; sequence < batch.size(); ++sequence) {
    const auto vector = context_->embedding(sequence);
    if (!vector) return std::unexpected(vector.error());
    if (!is_finite(*vector)) {
      pass.not_finite.push_back(batch[sequence]);
      continue;
    }
    std::vector<float>& result = job.results[batch[sequence]].vector;
    result.assign(vector->begin(), vector->end());
    if (model_.config().normalize_embeddings) normalize(result);
  }
  return {};
}

}  // namespace llama::internal
