#include "embedder.h"

#include <algorithm>
#include <format>
#include <numeric>

#include "budget_tuner.h"
#include "llama-embedding/batch_plan.h"

namespace llama::internal {

Embedder::Embedder(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size)
    : keep_alive_(std::move(model)),
      model_(*keep_alive_),
      batch_size_(std::min(batch_size, max_parallel_sequences())) {}
Embedder::Embedder(const EmbeddingModel& model, std::int32_t batch_size)
    : model_(model), batch_size_(std::min(batch_size, max_parallel_sequences())) {}

Result<void> Embedder::make_context(std::int32_t tokens) {
  warm_ = false;
  const auto make = [&] {
    return EmbeddingContext::create(model_.shared_model(), {.max_tokens = tokens,
                                                            .max_sequences = batch_size_,
                                                            .threads = model_.config().threads,
                                                            .pooling = model_.pooling()});
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

Result<void> Embedder::make_room_for(std::size_t tokens) {
  const auto needed = static_cast<std::int32_t>(tokens);
  if (context_ && context_->config().max_tokens >= needed) return {};
  // For a pass of the whole budget, unless the longest texts together are smaller.
  const std::int32_t budget = model_.budget_tuner().choice().budget, longest = model_.max_sequence_length();
  const auto most = static_cast<std::int32_t>(std::min<std::int64_t>(budget, std::int64_t{longest} * batch_size_));
  std::int32_t size = std::max(needed, most);
  // Grow by half at least, so that slowly lengthening texts do not make a context each, but never beyond the model.
  if (context_) size = std::max(size, std::min(context_->config().max_tokens * 3 / 2, std::max(budget, longest)));
  return make_context(size);
}

Result<std::vector<EmbeddedText>> Embedder::embed(std::span<const std::span<const Token>> texts,
                                                  const std::stop_token& stop,
                                                  const std::function<void(std::span<const std::size_t>)>& on_batch) {
  Job job{.texts = texts, .lengths = {}, .stop = stop, .on_batch = on_batch, .results = {}};
  job.results.resize(texts.size());
  for (const auto& tokens : texts) job.lengths.push_back(tokens.size());
  const auto left = measure_budgets(job);
  if (!left) return std::unexpected(left.error());
  std::vector<std::size_t> lengths;
  for (const std::size_t i : *left) lengths.push_back(job.lengths[i]);
  for (auto& batch : plan_batches(lengths, static_cast<std::size_t>(model_.budget_tuner().choice().budget),
                                  static_cast<std::size_t>(batch_size_))) {
    for (std::size_t& i : batch) i = (*left)[i];
    if (auto done = compute(job, batch); !done) return std::unexpected(done.error());
  }
  return std::move(job.results);
}

std::size_t Embedder::token_count(const Job& job, std::span<const std::size_t> batch) {
  std::size_t sum = 0;
  for (const std::size_t i : batch) sum += job.lengths[i];
  return sum;
}

Result<std::vector<std::size_t>> Embedder::measure_budgets(Job& job) {
  BudgetTuner& tuner = model_.budget_tuner();
  std::vector<std::size_t> all(job.texts.size());
  std::ranges::iota(all, std::size_t{0});
  // With one text a pass all budgets are the same.
  if (!tuner.measures() || batch_size_ == 1) return all;
  Trial trial = plan_trial(job.lengths, static_cast<std::size_t>(batch_size_));
  if (trial.batches.empty()) return all;
  std::size_t most = 0;
  for (const TrialBatch& batch : trial.batches) most = std::max(most, token_count(job, batch.texts));
  if (auto room = make_room_for(most); !room) {
    if (room.error().code != ErrorCode::OutOfMemory) return std::unexpected(room.error());
    tuner.give_up(std::format("no memory for passes of {} tokens", most));
    return all;
  }
  std::vector<BudgetMeasurement> measurements;
  for (const TrialBatch& batch : trial.batches) {
    const bool was_warm = warm_;
    if (auto done = compute(job, batch.texts); !done) return std::unexpected(done.error());
    if (!batch.counts || !was_warm) continue;
    measurements.push_back({.budget = batch.budget, .tokens = batch_.token_count(), .time = last_time_});
  }
  if (!measurements.empty()) tuner.add(measurements);
  std::ranges::sort(trial.rest);
  return std::move(trial.rest);
}

Result<void> Embedder::compute(Job& job, std::span<const std::size_t> batch) {
  if (job.stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
  batch_.clear();
  for (const std::size_t i : batch) {
    if (auto added = batch_.add_sequence(job.texts[i]); !added) return added;
  }
  if (auto room = make_room_for(batch_.token_count()); !room) return room;

  const auto started = std::chrono::steady_clock::now();
  if (auto computed = context_->compute(batch_, job.stop); !computed) return computed;
  const auto elapsed = std::chrono::steady_clock::now() - started;
  last_time_ = elapsed;
  warm_ = true;
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
    EmbeddedText& result = job.results[batch[sequence]];
    result.vector.assign(vector->begin(), vector->end());
    if (model_.config().normalize_embeddings) normalize(result.vector);
    tokens_so_far += job.lengths[batch[sequence]];
    const std::uint64_t share_end = total_ms * tokens_so_far / batch_.token_count();
    result.time_ms = share_end - ms_so_far;
    ms_so_far = share_end;
  }
  if (job.on_batch) job.on_batch(batch);
  return {};
}

}  // namespace llama::internal
