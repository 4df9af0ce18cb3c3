// Find out which budget of tokens is fastest, by computing real texts at each of them in turn.
//
// A trial takes a part of a window's texts, evenly spread over their lengths, and deals them out such that each budget
// has the same mix. Its batches are ordered so that at any time all budgets have done about as much: what disturbs the
// machine, and long texts before short ones, meets all alike. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace llama::internal {

inline constexpr std::array<std::int32_t, 3> kBudgets = {256, 512, 1024};  // tokens of one pass
inline constexpr std::int32_t kUsualBudget = 512;
inline constexpr std::int32_t kLargestBudget = 1024;
// A window with fewer passes than that at the usual budget is not measured.
inline constexpr std::size_t kMinBatches = 20;

struct TrialBatch {
  std::int32_t budget = 0;
  std::vector<std::size_t> texts;  // indices into lengths
  bool counts = true;              // no: the rest of a budget's texts, which may fill no pass
};

struct Trial {
  std::vector<TrialBatch> batches;  // in the order in which to compute them; {}: the window is too small
  std::vector<std::size_t> rest;    // the texts that take no part
};

// prefix  tokens that each pass has beside its texts' (shared_prefix.h): a budget is for both.
// Requires lengths > 0, max_sequences > 0.
[[nodiscard]] Trial plan_trial(std::span<const std::size_t> lengths, std::size_t max_sequences, std::size_t prefix = 0);

struct BudgetMeasurement {
  std::int32_t budget = 0;
  std::size_t tokens = 0;
  std::chrono::nanoseconds time{0};
};

struct BudgetChoice {
  std::int32_t budget = kUsualBudget;
  std::string reason;  // for people
};

// The budget with the highest median of tokens/s; the usual one where none is clearly faster than it. Nothing while a
// budget has too few batches.
[[nodiscard]] std::optional<BudgetChoice> choose_budget(std::span<const BudgetMeasurement> measurements);

}  // namespace llama::internal
