#include "budget_trial.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <functional>
#include <map>
#include <numeric>

#include "llama-embedding/batch_plan.h"
#include "shared_prefix.h"

namespace llama::internal {
namespace {

// Each budget's part of a trial: five passes at the largest.
constexpr std::size_t kTokensEach = 5 * static_cast<std::size_t>(kLargestBudget);
// A longer text has a pass of its own at the usual budget and below: it tells little.
constexpr std::size_t kMaxLength = kUsualBudget;
constexpr std::size_t kMinMeasurements = 4;
// By how much another budget has to be faster than the usual one, that chance does not choose.
constexpr double kMinLead = 1.02;

// Every n-th of the texts, longest first, such that they have `wanted` tokens together; and the others.
struct Sample {
  std::vector<std::size_t> taken, others;
};
Sample sample(std::span<const std::size_t> lengths, std::span<const std::size_t> order, std::size_t wanted) {
  std::size_t all = 0;
  for (const std::size_t i : order) all += lengths[i];
  const double share = std::min(1.0, static_cast<double>(wanted) / static_cast<double>(std::max<std::size_t>(1, all)));
  Sample result;
  double due = 0;
  for (const std::size_t i : order) {
    due += share;
    if (due >= 1 - 1e-9) {
      due -= 1;
      result.taken.push_back(i);
    } else {
      result.others.push_back(i);
    }
  }
  return result;
}

std::size_t tokens_of(std::span<const std::size_t> lengths, std::span<const std::size_t> texts) {
  return std::accumulate(texts.begin(), texts.end(), std::size_t{0},
                         [&](std::size_t sum, std::size_t i) { return sum + lengths[i]; });
}

std::vector<TrialBatch> batches_of(std::span<const std::size_t> lengths, std::span<const std::size_t> texts,
                                   std::int32_t budget, std::size_t max_sequences, std::size_t prefix) {
  std::vector<std::size_t> own;
  for (const std::size_t i : texts) own.push_back(lengths[i]);
  std::vector<TrialBatch> batches;
  for (auto& batch : plan_batches(own, budget_beside(prefix, static_cast<std::size_t>(budget)), max_sequences)) {
    for (std::size_t& i : batch) i = texts[i];
    batches.push_back({.budget = budget, .texts = std::move(batch)});
  }
  if (!batches.empty()) batches.back().counts = false;
  return batches;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

Trial plan_trial(std::span<const std::size_t> lengths, std::size_t max_sequences, std::size_t prefix) {
  Trial trial;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < lengths.size(); ++i) (lengths[i] <= kMaxLength ? order : trial.rest).push_back(i);
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return lengths[i]; });
  if (batches_of(lengths, order, kUsualBudget, max_sequences, prefix).size() < kMinBatches) {
    trial.rest.insert(trial.rest.end(), order.begin(), order.end());
    return trial;
  }

  const Sample some = sample(lengths, order, kTokensEach * kBudgets.size());
  trial.rest.insert(trial.rest.end(), some.others.begin(), some.others.end());
  // 0 1 2 2 1 0 …: dealt in one direction, the first would have the longer texts.
  std::array<std::vector<std::size_t>, kBudgets.size()> hands;
  for (std::size_t i = 0; i < some.taken.size(); ++i) {
    const std::size_t place = i % (2 * hands.size());
    hands[place < hands.size() ? place : 2 * hands.size() - 1 - place].push_back(some.taken[i]);
  }

  std::array<std::vector<TrialBatch>, kBudgets.size()> queues;
  for (std::size_t b = 0; b < kBudgets.size(); ++b) {
    queues[b] = batches_of(lengths, hands[b], kBudgets[b], max_sequences, prefix);
  }
  std::array<std::size_t, kBudgets.size()> next{}, done{};
  for (;;) {
    std::optional<std::size_t> behind;  // the budget with batches left that has done least
    for (std::size_t b = 0; b < queues.size(); ++b) {
      if (next[b] < queues[b].size() && (!behind || done[b] < done[*behind])) behind = b;
    }
    if (!behind) return trial;
    TrialBatch& batch = queues[*behind][next[*behind]++];
    done[*behind] += tokens_of(lengths, batch.texts);
    trial.batches.push_back(std::move(batch));
  }
}

std::optional<BudgetChoice> choose_budget(std::span<const BudgetMeasurement> measurements) {
  std::map<std::int32_t, std::vector<double>> speeds;
  for (const BudgetMeasurement& one : measurements) {
    const double seconds = std::chrono::duration<double>(one.time).count();
    speeds[one.budget].push_back(static_cast<double>(one.tokens) / std::max(seconds, 1e-9));
  }
  std::map<std::int32_t, double> medians;
  std::string shown;
  for (const std::int32_t budget : kBudgets) {
    if (speeds[budget].size() < kMinMeasurements) return std::nullopt;
    medians[budget] = median(speeds[budget]);
    shown += std::format("{}{} tokens: {}/s", shown.empty() ? "" : ", ", budget, std::lround(medians[budget]));
  }
  const auto best = std::ranges::max_element(medians, {}, [](const auto& entry) { return entry.second; });
  const bool clearly = best->second > medians[kUsualBudget] * kMinLead;
  return BudgetChoice{.budget = clearly ? best->first : kUsualBudget, .reason = "measured: " + shown};
}

}  // namespace llama::internal
