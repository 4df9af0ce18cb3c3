// Choose the tokens of one step.
//
// A step takes the next token of every reply, so that nobody who is being answered stands still. What room is left goes
// to prompts that are being read: the one with the fewest tokens left first, for it is answered soonest; but each
// second of waiting counts as much as 500 tokens, so that a long prompt is not overtaken for ever. A prompt stops at
// a checkpoint, if one has to be taken there.
// Cost     one look at each slot, and sorting those that read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "llama-agent/decoder.h"
#include "prefill_budget.h"
#include "slot_table.h"

namespace llama::internal {

struct StepPlan {
  std::vector<PlacedToken> batch;
  std::int32_t generating = 0;  // tokens of replies
  std::int32_t reading = 0;     // tokens of prompts
};

[[nodiscard]] StepPlan plan_step(std::span<Slot> slots, const PrefillBudget& budget, bool needs_checkpoints,
                                 Clock::time_point now);

}  // namespace llama::internal
