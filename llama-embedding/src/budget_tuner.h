// Hold the budget of tokens in force for a model: given, remembered, being measured, or measured.
//
// Threads  any number at once.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "budget_trial.h"

namespace llama::internal {

class BudgetTuner {
 public:
  struct Memory {
    std::function<std::optional<std::int64_t>()> recall;
    std::function<void(std::int64_t budget)> remember;
  };

  // What never changes: the caller's budget, or the usual one for a reason.
  explicit BudgetTuner(BudgetChoice fixed) : choice_(std::move(fixed)) {}
  // What earlier runs remember, else what will be measured.
  explicit BudgetTuner(Memory memory);

  [[nodiscard]] BudgetChoice choice() const;
  [[nodiscard]] bool measures() const;

  // Measurements of a trial. When they are enough the budget is chosen and remembered.
  void add(std::span<const BudgetMeasurement> measurements);
  // There is no memory for the largest pass.
  void give_up(std::string reason);

 private:
  mutable std::mutex mutex_;
  BudgetChoice choice_;
  std::optional<Memory> memory_;  // while it measures
  std::vector<BudgetMeasurement> measurements_;
};

}  // namespace llama::internal
