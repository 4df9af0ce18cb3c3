#include "embedder.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <numeric>
#include <utility>

#include "budget_tuner.h"
#include "llama-embedding/batch_plan.h"
#include "model_budget.h"

namespace llama::internal {

Embedder::Embedder(std::shared_ptr<const EmbeddingModel> model, std::int32_t batch_size)
    : keep_alive_(std::move(model)),
      model_(*keep_alive_),
      batch_size_(texts_per_pass(batch_size)),
      tuner_(model_.budget_tuner(batch_size_)),
      lanes_(model_, batch_size_, tuner_) {}
Embedder::Embedder(const EmbeddingModel& model, std::int32_t batch_size)
    : model_(model),
      batch_size_(texts_per_pass(batch_size)),
      tuner_(model_.budget_tuner(batch_size_)),
      lanes_(model_, batch_size_, tuner_) {}

std::int32_t Embedder::texts_per_pass(std::int32_t batch_size) {
  return std::min(batch_size, max_parallel_sequences());
}

Error no_finite_vector() {
  return {.code = ErrorCode::InvalidModel, .message = "the model gives NaN or infinity for this text"};
}

Result<std::vector<EmbeddedText>> Embedder::embed(std::span<const std::span<const Token>> texts,
                                                  const std::stop_token& stop,
                                                  const std::function<void(std::span<const std::size_t>)>& on_batch) {
  Call call{.job = {.texts = texts, .lengths = {}, .prefix = 0, .results = {}}, .stop = stop, .on_batch = on_batch};
  call.job.results.resize(texts.size());
  for (const auto& tokens : texts) call.job.lengths.push_back(tokens.size());
  const auto groups = group_texts(call.job);
  if (!groups) return std::unexpected(groups.error());
  for (const PrefixGroup& group : *groups) {
    if (auto done = compute_group(call, group); !done) return std::unexpected(done.error());
  }
  return std::move(call.job.results);
}

// Only a context knows whether its sequences can share a prefix: it is made for texts that have one.
Result<std::vector<PrefixGroup>> Embedder::group_texts(const EmbeddingJob& job) {
  Result<void> made{};
  const std::size_t tokens = std::reduce(job.lengths.begin(), job.lengths.end());
  const auto passes = [](std::size_t count, std::int32_t of_each) {
    return (count + static_cast<std::size_t>(of_each) - 1) / static_cast<std::size_t>(of_each);
  };
  lanes_.expect(std::max(passes(tokens, tuner_.choice().budget), passes(job.texts.size(), batch_size_)));
  const bool fits_one_pass = lanes_.expected() <= 1;
  auto groups = group_by_prefix(job.texts, [&](std::size_t longest) {
    if (!shares_prefixes_ || model_.pooling() != Pooling::Last || batch_size_ == 1) return false;
    if (!lanes_.first().has_context()) {
      const auto room = fits_one_pass ? lanes_.make_room_for(1, tokens) : lanes_.make_room_for(2, longest);
      if (!room) made = std::unexpected(room.error());
    }
    return made && lanes_.first().takes_prefix(longest);
  });
  if (!made) return std::unexpected(made.error());
  return groups;
}

Result<void> Embedder::compute_group(Call& call, const PrefixGroup& group) {
  call.job.prefix = group.prefix;
  const auto left = measure_budgets(call, group.texts);
  if (!left) return std::unexpected(left.error());
  const auto lengths = own_lengths(call.job, *left);
  const std::size_t budget = budget_beside(call.job.prefix, static_cast<std::size_t>(tuner_.choice().budget));
  Batches batches = plan_batches(lengths, even_budget(lengths, budget), static_cast<std::size_t>(batch_size_));
  for (auto& batch : batches) {
    for (std::size_t& i : batch) i = (*left)[i];
  }
  // The longest come first. Those that are work for all threads would leave the others to one lane.
  const auto shorter = std::ranges::find_if(batches, [&](const auto& batch) {
    return call.job.lengths[batch.front()] <= static_cast<std::size_t>(kLargestBudget);
  });
  if (auto done = compute(call, std::span(batches.begin(), shorter)); !done) return done;
  return compute(call, std::span(shorter, batches.end()));
}

// The budget, or a little less, such that every lane has as many passes: at the end none waits for another one's.
std::size_t Embedder::even_budget(std::span<const std::size_t> lengths, std::size_t budget) const {
  constexpr std::size_t kSmallest = kBudgets.front();
  constexpr double kLeftOver = 1.02;  // passes are not filled to the last token
  if (budget <= kSmallest || !vectors_ignore_the_batch(model_.kernels(), model_.model().device())) return budget;
  const auto tokens = static_cast<double>(std::reduce(lengths.begin(), lengths.end()));
  const auto passes = static_cast<std::size_t>(std::ceil(tokens / static_cast<double>(budget)));
  const std::size_t lanes = lanes_.lanes_for(static_cast<std::size_t>(tokens) / kSmallest, budget);
  const std::size_t even = (passes + lanes - 1) / lanes * lanes;
  if (even == 0) return budget;
  return std::clamp(static_cast<std::size_t>(tokens * kLeftOver / static_cast<double>(even)) + 1, kSmallest, budget);
}

std::vector<std::size_t> Embedder::own_lengths(const EmbeddingJob& job, std::span<const std::size_t> texts) {
  std::vector<std::size_t> lengths;
  for (const std::size_t i : texts) lengths.push_back(job.lengths[i] - job.prefix);
  return lengths;
}

Result<std::vector<std::size_t>> Embedder::measure_budgets(Call& call, std::span<const std::size_t> texts) {
  std::vector<std::size_t> all(texts.begin(), texts.end());
  // With one text a pass all budgets are the same.
  if (!tuner_.measures() || batch_size_ == 1) return all;
  Trial trial = plan_trial(own_lengths(call.job, texts), static_cast<std::size_t>(batch_size_), call.job.prefix);
  if (trial.batches.empty()) return all;
  std::size_t most = 0;
  Batches batches;
  for (TrialBatch& batch : trial.batches) {
    for (std::size_t& i : batch.texts) i = all[i];
    const auto lengths = own_lengths(call.job, batch.texts);
    most = std::max(most, std::accumulate(lengths.begin(), lengths.end(), call.job.prefix));
    batches.push_back(batch.texts);
  }
  if (auto room = lanes_.make_room_for(batches.size(), most); !room) {
    if (room.error().code != ErrorCode::OutOfMemory) return std::unexpected(room.error());
    tuner_.give_up(std::format("no memory for passes of {} tokens", most));
    return all;
  }
  std::vector<BudgetMeasurement> measurements;
  auto done = compute(call, batches, [&](const FinishedBatch& finished) {
    const TrialBatch& batch = trial.batches[finished.number];
    if (!batch.counts || !finished.pass.was_warm) return;
    measurements.push_back({.budget = batch.budget, .tokens = finished.pass.tokens, .time = finished.pass.time});
  });
  if (!done) return std::unexpected(done.error());
  if (!measurements.empty()) tuner_.add(measurements);
  std::ranges::sort(trial.rest);
  for (std::size_t& i : trial.rest) i = all[i];
  return std::move(trial.rest);
}

// What it took is shared out among the texts: a batch's part by the time of its passes, a text's by its tokens. Lanes
// compute at the same time, so that the parts are of the time that went by and add up to it, in whole milliseconds.
Result<void> Embedder::compute(Call& call, std::span<const std::vector<std::size_t>> batches,
                               const std::function<void(const FinishedBatch&)>& on_batch) {
  if (batches.empty()) return {};
  using Seconds = std::chrono::duration<double>;
  struct Share {
    std::size_t batch;
    Seconds time;
  };
  std::vector<Share> shares;
  Seconds all_shares{0};
  const std::chrono::nanoseconds before = compute_time_;
  auto done = lanes_.compute(call.job, batches, call.stop, [&](const FinishedBatch& finished) {
    compute_time_ = before + finished.elapsed;
    batches_ += finished.passes;
    shares.push_back({finished.number, finished.time});
    all_shares += finished.time;
    note_device();
    if (on_batch) on_batch(finished);
    if (call.on_batch) call.on_batch(batches[finished.number]);
  });
  if (!done) return done;

  const Seconds taken = compute_time_ - before;
  Seconds so_far{0};
  std::uint64_t ms_so_far = 0;
  for (const Share& share : shares) {
    const auto& batch = batches[share.batch];
    const auto tokens = static_cast<double>(std::transform_reduce(
        batch.begin(), batch.end(), std::size_t{0}, std::plus(), [&](std::size_t i) { return call.job.lengths[i]; }));
    for (const std::size_t i : batch) {
      so_far += share.time * (static_cast<double>(call.job.lengths[i]) / tokens);
      const auto end =
          static_cast<std::uint64_t>(std::max(0.0, std::round(1000 * taken.count() * (so_far / all_shares))));
      call.job.results[i].time_ms = end - std::exchange(ms_so_far, std::max(end, ms_so_far));
    }
  }
  return {};
}

void Embedder::note_device() {
  std::string device = lanes_.first().device();
  if (device == last_device_) return;
  device_ += (device_.empty() ? "" : ", ") + device;
  last_device_ = std::move(device);
}

}  // namespace llama::internal
