#include "embedder.h"

#include <algorithm>

#include "llama-embedding/batch_plan.h"

namespace llama::internal {

Embedder::Embedder(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size)
    : keep_alive_(std::move(model)),
      model_(*keep_alive_),
      batch_size_(std::min(batch_size, max_parallel_sequences())) {}
Embedder::Embedder(const EmbeddingModel& model, std::int32_t batch_size)
    : model_(model), batch_size_(std::min(batch_size, max_parallel_sequences())) {}

Result<void> Embedder::make_room_for(std::size_t tokens) {
  const auto needed = static_cast<std::int32_t>(tokens);
  if (context_ && context_->config().max_tokens >= needed) return {};
  const EmbeddingConfig& config = model_.config();
  // Grow by half at least, so that slowly lengthening texts do not make a context each, but never beyond the model.
  std::int32_t size =
      std::max(needed, std::min(config.token_budget, std::max(needed, model_.max_sequence_length() * batch_size_)));
  if (context_)
    size = std::max(size, std::min(context_->config().max_tokens * 3 / 2,
                                   std::max(config.token_budget, model_.max_sequence_length())));
  context_.reset();  // its memory first
  auto made = Context::create_for_embedding(
      model_.shared_model(),
      {.max_tokens = size, .max_sequences = batch_size_, .threads = config.threads, .pooling = model_.pooling()});
  if (!made) return std::unexpected(made.error());
  context_ = std::move(*made);
  return {};
}

Result<std::vector<EmbeddedText>> Embedder::embed(std::span<const std::span<const Token>> texts,
                                                  const std::stop_token& stop,
                                                  const std::function<void(std::span<const std::size_t>)>& on_batch) {
  std::vector<EmbeddedText> results(texts.size());
  std::vector<std::size_t> lengths;
  for (const auto& tokens : texts) lengths.push_back(tokens.size());
  const auto plan = plan_batches(lengths, static_cast<std::size_t>(model_.config().token_budget),
                                 static_cast<std::size_t>(batch_size_));
  for (const auto& batch : plan) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
    if (auto done = compute(texts, batch, stop, results); !done) return std::unexpected(done.error());
    if (on_batch) on_batch(batch);
  }
  return results;
}

Result<void> Embedder::compute(std::span<const std::span<const Token>> texts, std::span<const std::size_t> batch,
                               const std::stop_token& stop, std::vector<EmbeddedText>& results) {
  batch_.clear();
  for (const std::size_t i : batch) {
    if (auto added = batch_.add_sequence(texts[i]); !added) return added;
  }
  if (auto room = make_room_for(batch_.token_count()); !room) return room;

  const auto started = std::chrono::steady_clock::now();
  if (auto computed = context_->compute(batch_, stop); !computed) return computed;
  const auto elapsed = std::chrono::steady_clock::now() - started;
  compute_time_ += elapsed;
  ++batches_;
  if (std::string device = context_->device(); device != last_device_) {
    device_ += (device_.empty() ? "" : ", ") + device;
    last_device_ = std::move(device);
  }

  // Whole milliseconds by tokens, such that a batch's shares add up to its time.
  const auto total_ms = static_cast<std::uint64_t>(std::chrono::round<std::chrono::milliseconds>(elapsed).count());
  std::uint64_t tokens_so_far = 0, ms_so_far = 0;
  for (std::size_t sequence = 0; sequence < batch.size(); ++sequence) {
    const auto vector = context_->embedding(sequence);
    if (!vector) return std::unexpected(vector.error());
    EmbeddedText& result = results[batch[sequence]];
    result.vector.assign(vector->begin(), vector->end());
    if (model_.config().normalize_embeddings) normalize(result.vector);
    tokens_so_far += texts[batch[sequence]].size();
    const std::uint64_t share_end = total_ms * tokens_so_far / batch_.token_count();
    result.time_ms = share_end - ms_so_far;
    ms_so_far = share_end;
  }
  return {};
}

}  // namespace llama::internal
