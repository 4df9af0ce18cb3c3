#include "step_plan.h"

#include <algorithm>

namespace llama::internal {

StepPlan plan_step(std::span<Slot> slots, const PrefillBudget& budget, bool needs_checkpoints, Clock::time_point now) {
  StepPlan plan;
  std::vector<Slot*> readers;
  for (auto& slot : slots) {
    if (!slot.running) continue;
    if (slot.running->is_reading(slot.held.size())) {
      readers.push_back(&slot);
    } else if (slot.running->next()) {
      plan.batch.push_back({*slot.running->next(), slot.id, static_cast<std::int32_t>(slot.held.size()), true});
      ++plan.generating;
    }
  }
  const auto rank = [&](const Slot* slot) {
    const auto rest = static_cast<double>(slot->running->job().prompt.size() - slot->held.size());
    return rest - 500 * std::chrono::duration<double>(now - slot->running->started()).count();
  };
  std::ranges::sort(readers, {}, rank);
  std::int32_t room = budget.tokens(plan.generating);
  for (Slot* slot : readers) {
    if (room <= 0) break;
    const Job& job = slot->running->job();
    const auto held = static_cast<std::int32_t>(slot->held.size());
    const auto end = static_cast<std::int32_t>(job.prompt.size());
    std::int32_t count = std::min(room, end - held);
    if (needs_checkpoints) {
      for (const std::int32_t place : job.checkpoints) {
        if (place > held) count = std::min(count, place - held);
      }
    }
    for (std::int32_t i = held; i < held + count; ++i) {
      plan.batch.push_back({job.prompt[static_cast<std::size_t>(i)], slot->id, i, i + 1 == end});
    }
    room -= count;
    plan.reading += count;
  }
  return plan;
}

}  // namespace llama::internal
