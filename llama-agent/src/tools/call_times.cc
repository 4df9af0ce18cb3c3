// Whose time is over, and who was told to stop.
#include <format>
#include <utility>

#include "../at_most_a_year.h"
#include "call_execution.h"

namespace llama::internal {
namespace {

constexpr int kMaxExtensionByProgress = 10;

}  // namespace

void CallExecution::extend(CallState& state) const {
  const auto limit = at_most_a_year(rules_.limits.call_time_limit);
  state.deadline =
      std::max(state.deadline, std::min(CallClock::now() + limit, state.started + limit * kMaxExtensionByProgress));
}

void CallExecution::stop_all() {
  const std::string why = rules_.why_stopped();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto& state = states_[i];
    if (state.phase == CallPhase::Waiting) end_unrun(i, "not run: " + why);
    if (state.phase == CallPhase::Running || state.phase == CallPhase::Asking) tell_to_stop(state, "stopped: " + why);
  }
}

void CallExecution::tell_to_stop(CallState& state, std::string why) {
  if (!state.stopped.empty()) return;
  state.stopped = std::move(why);
  state.deadline = CallClock::now() + at_most_a_year(rules_.limits.give_up_after);
  state.stop.request_stop();
}

void CallExecution::give_up_late() {
  const auto now = CallClock::now();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    auto& state = states_[i];
    if (state.phase != CallPhase::Running && state.phase != CallPhase::Asking) continue;
    if (now < state.deadline) continue;
    const bool is_asking = state.phase == CallPhase::Asking;
    if (state.stopped.empty()) {
      const auto limit = is_asking
                             ? rules_.approvals.time_limit
                             : std::chrono::duration_cast<std::chrono::milliseconds>(state.deadline - state.started);
      tell_to_stop(state, is_asking ? std::format("nobody answered within {} ms", limit.count())
                                    : std::format("stopped: the tool did not answer within {} ms", limit.count()));
    } else if (is_asking) {
      is_asker_lost_ = true;
      denied(i, state.stopped);
    } else {
      state.is_given_up = true;
      hooks_.remark(
          std::format("tool '{}' did not stop when told to and was left behind", calls_[i].tool->full_name()));
      end(i, {state.stopped, true});
    }
  }
}

CallClock::time_point CallExecution::next_deadline() const {
  auto next = CallClock::time_point::max();
  for (const auto& state : states_) {
    const bool counts = state.phase == CallPhase::Running || state.phase == CallPhase::Asking;
    if (counts) next = std::min(next, state.deadline);
  }
  return next;
}

}  // namespace llama::internal
