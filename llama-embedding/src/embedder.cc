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
      batch_size_(texts_per_pass(batch_size)),
      tuner_(model_.budget_tuner(batch_size_)) {}
Embedder::Embedder(const EmbeddingModel& model, std::int32_t batch_size)
    : model_(model), batch_size_(texts_per_pass(batch_size)), tuner_(model_.budget_tuner(batch_size_)) {}

std::int32_t Embedder::texts_per_pass(std::int32_t batch_size) {
  return std::min(batch_size, max_parallel_sequences());
}

Error no_finite_vector() {
  return {.code = ErrorCode::InvalidModel, .message = "the model gives NaN or infinity for this text"};
}

Result<void> Embedder::make_context(std::int32_t tokens) {
  warm_ = is_tainted_ = false;
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
  const std::int32_t budget = tuner_.choice().budget, longest = model_.max_sequence_length();
  const auto most = static_cast<std::int32_t>(std::min<std::int64_t>(budget, std::int64_t{longest} * batch_size_));
  std::int32_t size = std::max(needed, most);
  // Grow by half at least, so that slowly lengthening texts do not make a context each, but never beyond the model.
  if (context_) size = std::max(size, std::min(context_->config().max_tokens * 3 / 2, std::max(budget, longest)));
  return make_context(size);
}

Result<std::vector<EmbeddedText>> Embedder::embed(std::span<const std::span<const Token>> texts,
                                                  const std::stop_token& stop,
                                                  const std::function<void(std::span<const std::size_t>)>& on_batch) {
  Job job{.texts = texts, .lengths = {}, .prefix = 0, .stop = stop, .on_batch = on_batch, .results = {}};
  job.results.resize(texts.size());
  for (const auto& tokens : texts) job.lengths.push_back(tokens.size());
  const auto groups = group_texts(job);
  if (!groups) return std::unexpected(groups.error());
  for (const PrefixGroup& group : *groups) {
    if (auto done = compute_group(job, group); !done) return std::unexpected(done.error());
  }
  return std::move(job.results);
}

// Only a context knows whether its sequences can share a prefix: it is made for texts that have one.
Result<std::vector<PrefixGroup>> Embedder::group_texts(const Job& job) {
  Result<void> made{};
  auto groups = group_by_prefix(job.texts, [&](std::size_t longest) {
    if (!shares_prefixes_ || model_.pooling() != Pooling::Last || batch_size_ == 1) return false;
    if (!context_) made = make_room_for(longest);
    return made && context_->takes_prefix(longest);
  });
  if (!made) return std::unexpected(made.error());
  return groups;
}

Result<void> Embedder::compute_group(Job& job, const PrefixGroup& group) {
  job.prefix = group.prefix;
  const auto left = measure_budgets(job, group.texts);
  if (!left) return std::unexpected(left.error());
  const std::size_t budget = budget_beside(job.prefix, static_cast<std::size_t>(tuner_.choice().budget));
  for (auto& batch : plan_batches(own_lengths(job, *left), budget, static_cast<std::size_t>(batch_size_))) {
    for (std::size_t& i : batch) i = (*left)[i];
    if (auto done = compute(job, batch); !done) return std::unexpected(done.error());
  }
  return {};
}

std::vector<std::size_t> Embedder::own_lengths(const Job& job, std::span<const std::size_t> texts) {
  std::vector<std::size_t> lengths;
  for (const std::size_t i : texts) lengths.push_back(job.lengths[i] - job.prefix);
  return lengths;
}

Result<std::vector<std::size_t>> Embedder::measure_budgets(Job& job, std::span<const std::size_t> texts) {
  std::vector<std::size_t> all(texts.begin(), texts.end());
  // With one text a pass all budgets are the same.
  if (!tuner_.measures() || batch_size_ == 1) return all;
  Trial trial = plan_trial(own_lengths(job, texts), static_cast<std::size_t>(batch_size_), job.prefix);
  if (trial.batches.empty()) return all;
  std::size_t most = 0;
  for (TrialBatch& batch : trial.batches) {
    for (std::size_t& i : batch.texts) i = all[i];
    const auto lengths = own_lengths(job, batch.texts);
    most = std::max(most, std::accumulate(lengths.begin(), lengths.end(), job.prefix));
  }
  if (auto room = make_room_for(most); !room) {
    if (room.error().code != ErrorCode::OutOfMemory) return std::unexpected(room.error());
    tuner_.give_up(std::format("no memory for passes of {} tokens", most));
    return all;
  }
  std::vector<BudgetMeasurement> measurements;
  for (const TrialBatch& batch : trial.batches) {
    const bool was_warm = warm_;
    const auto pass = compute(job, batch.texts);
    if (!pass) return std::unexpected(pass.error());
    if (!batch.counts || !was_warm) continue;
    measurements.push_back({.budget = batch.budget, .tokens = pass->tokens, .time = pass->time});
  }
  if (!measurements.empty()) tuner_.add(measurements);
  std::ranges::sort(trial.rest);
  for (std::size_t& i : trial.rest) i = all[i];
  return std::move(trial.rest);
}

// A vector with a NaN or an infinity is none. It need not be its text's fault: with ggml's own kernels a NaN in one
// sequence of a batch reaches others through the attention that masks them out (-inf + NaN is NaN), and it stays in the
// memory of a context with a KV cache, where later batches meet it. So each such text is tried again alone, on a
// context made anew where the memory may hold NaN; what fails then fails by itself, and the rest keeps its vectors.
// After kMaxNotFinite failures with no finite vector between them the model gives none at all: the weights are damaged,
// or the device computes nonsense.
// Cost: a look at each value (a thousandth of its making). A text that is tried again costs a pass of its own and, with
// a KV cache, a context (the packed weights stay).
Result<Embedder::Pass> Embedder::compute(Job& job, std::span<const std::size_t> batch) {
  auto pass = compute_pass(job, batch);
  if (!pass) return pass;
  if (pass->not_finite.size() < batch.size()) not_finite_in_row_ = 0;
  for (const std::size_t text : pass->not_finite) {
    const auto again = compute_pass(job, std::span(&text, 1));
    if (!again) return again;
    not_finite_in_row_ = again->not_finite.empty() ? 0 : not_finite_in_row_ + 1;
    if (not_finite_in_row_ >= kMaxNotFinite) {
      return fail(
          ErrorCode::InvalidModel,
          std::format("the model gives no finite vector: NaN or infinity for {} texts in a row, each tried alone",
                      not_finite_in_row_));
    }
  }
  if (job.on_batch) job.on_batch(batch);
  return pass;
}

Result<Embedder::Pass> Embedder::compute_pass(Job& job, std::span<const std::size_t> batch) {
  if (job.stop.stop_requested()) return fail(ErrorCode::Cancelled, "embedding was stopped");
  batch_.clear();
  // A text alone has none to share: a text that is tried again depends on nothing but itself.
  const std::size_t prefix = batch.size() > 1 ? job.prefix : 0;
  if (auto set = batch_.set_prefix(job.texts[batch.front()].first(prefix)); !set) return std::unexpected(set.error());
  std::uint64_t all_tokens = 0;  // of the texts, each whole
  for (const std::size_t i : batch) {
    if (auto added = batch_.add_sequence(job.texts[i].subspan(prefix)); !added) return std::unexpected(added.error());
    all_tokens += job.lengths[i];
  }
  if (is_tainted_) {
    if (auto made = make_context(context_->config().max_tokens); !made) return std::unexpected(made.error());
  }
  if (auto room = make_room_for(batch_.token_count()); !room) return std::unexpected(room.error());

  const auto started = std::chrono::steady_clock::now();
  if (auto computed = context_->compute(batch_, job.stop); !computed) return std::unexpected(computed.error());
  Pass pass{.tokens = batch_.token_count(), .time = std::chrono::steady_clock::now() - started, .not_finite = {}};
  warm_ = true;
  compute_time_ += pass.time;
  ++batches_;
  if (std::string device = context_->device(); device != last_device_) {
    device_ += (device_.empty() ? "" : ", ") + device;
    last_device_ = std::move(device);
  }

  // Whole milliseconds by tokens, such that a batch's shares add up to its time.
  const auto total_ms = static_cast<std::uint64_t>(std::chrono::round<std::chrono::milliseconds>(pass.time).count());
  std::uint64_t tokens_so_far = 0, ms_so_far = 0;
  for (std::size_t sequence = 0; sequence < batch.size(); ++sequence) {
    const auto vector = context_->embedding(sequence);
    if (!vector) return std::unexpected(vector.error());
    EmbeddedText& result = job.results[batch[sequence]];
    if (is_finite(*vector)) {
      result.vector.assign(vector->begin(), vector->end());
      if (model_.config().normalize_embeddings) normalize(result.vector);
    } else {
      pass.not_finite.push_back(batch[sequence]);
    }
    tokens_so_far += job.lengths[batch[sequence]];
    const std::uint64_t share_end = total_ms * tokens_so_far / all_tokens;
    result.time_ms += share_end - ms_so_far;
    ms_so_far = share_end;
  }
  is_tainted_ = !pass.not_finite.empty() && !model_.model().is_encoder();
  return pass;
}

}  // namespace llama::internal
