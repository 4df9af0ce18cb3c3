#include "budget_tuner.h"

#include <algorithm>
#include <utility>

namespace llama::internal {

BudgetTuner::BudgetTuner(Memory memory) {
  // A number that is no budget of ours was written by somebody else.
  if (const auto known = memory.recall(); known && std::ranges::contains(kBudgets, *known)) {
    choice_ = {.budget = static_cast<std::int32_t>(*known), .reason = "measured by an earlier run"};
    return;
  }
  choice_.reason = "too few texts to measure";
  memory_ = std::move(memory);
}

BudgetChoice BudgetTuner::choice() const {
  const std::scoped_lock lock(mutex_);
  return choice_;
}

bool BudgetTuner::measures() const {
  const std::scoped_lock lock(mutex_);
  return memory_.has_value();
}

void BudgetTuner::add(std::span<const BudgetMeasurement> measurements) {
  const std::scoped_lock lock(mutex_);
  if (!memory_) return;
  measurements_.insert(measurements_.end(), measurements.begin(), measurements.end());
  auto chosen = choose_budget(measurements_);
  if (!chosen) return;
  choice_ = std::move(*chosen);
  memory_->remember(choice_.budget);
  memory_.reset();
}

void BudgetTuner::give_up(std::string reason) {
  const std::scoped_lock lock(mutex_);
  if (!memory_) return;
  choice_.reason = std::move(reason);
  memory_.reset();
}

}  // namespace llama::internal
