// Who is asked before a call runs.
#include <format>
#include <utility>

#include "../at_most_a_year.h"
#include "call_execution.h"
#include "tool_text.h"

namespace llama::internal {

bool CallExecution::approve(std::size_t i) {
  auto& state = states_[i];
  const auto& tool = *calls_[i].tool;
  const auto& policy = rules_.approvals;
  const auto action = decide(policy, tool.definition);
  if (action == ApprovalAction::Allow) return approved(i, "the rules allow it");
  if (action == ApprovalAction::Deny) return denied(i, "the rules do not allow it");
  const auto known = policy.memory->state_of(tool.definition);
  if (known == ApprovalMemory::State::Approved) return approved(i, "the tool was approved before");
  if (!policy.asker) {
    hooks_.remark("calls of tools want to be approved and nobody is there to ask, so they are denied");
    return denied(i, "nobody is there to approve it");
  }
  if (count(CallPhase::Asking) > 0 || is_asker_lost_) {
    return is_asker_lost_ ? denied(i, "the person who approves did not answer") : false;
  }
  ApprovalQuestion question{calls_[i].call.id,
                            calls_[i].call.name,
                            state.arguments,
                            tool.definition,
                            !policy.memory->was_seen(tool.definition),
                            known == ApprovalMemory::State::Changed};
  hooks_.tell(ApprovalWanted{static_cast<std::int32_t>(i), question});
  state.phase = CallPhase::Asking;
  state.stop = std::stop_source();
  state.deadline = CallClock::now() + at_most_a_year(policy.time_limit);
  const bool has_begun =
      threads_.start([board = board_, ask = policy.asker, question, i, stop = state.stop.get_token()] {
        ApprovalAnswer answer;
        try {
          answer = ask(question, stop);
        } catch (...) {
          answer = {.reason = "the question could not be asked"};
        }
        board->tell_answer(i, std::move(answer));
      });
  if (!has_begun) return denied(i, "the question could not be asked");
  return true;
}

bool CallExecution::approved(std::size_t i, std::string reason) {
  states_[i].is_approved = true;
  states_[i].phase = CallPhase::Waiting;
  rules_.approvals.memory->see(calls_[i].tool->definition);
  hooks_.tell(ApprovalDecided{static_cast<std::int32_t>(i), calls_[i].call.id, true, std::move(reason)});
  return true;
}

bool CallExecution::denied(std::size_t i, const std::string& reason) {
  hooks_.tell(ApprovalDecided{static_cast<std::int32_t>(i), calls_[i].call.id, false, reason});
  states_[i].end.was_denied = true;
  return end_unrun(i, std::format("not run: the call was denied: {}", reason));
}

void CallExecution::take_answer(std::size_t i, ApprovalAnswer answer) {
  auto& state = states_[i];
  state.deadline = CallClock::time_point::max();
  if (!state.stopped.empty()) return void(denied(i, state.stopped));
  if (answer.kind == ApprovalAnswer::Kind::Deny) {
    return void(denied(i, answer.reason.empty() ? "the person said no" : clean_text(answer.reason)));
  }
  if (!answer.arguments.empty() && answer.arguments != state.arguments) {
    const auto sound =
        validate_call(calls_[i].tool->definition.parameters, answer.arguments, rules_.limits.arguments, rules_.stop);
    if (!sound) return void(denied(i, "the changed arguments do not match: " + sound.error().message));
    state.arguments = std::move(answer.arguments);
    state.runs_alone = true;
  }
  if (answer.kind == ApprovalAnswer::Kind::Tool) rules_.approvals.memory->approve(calls_[i].tool->definition);
  approved(i, "a person allowed it");
}

}  // namespace llama::internal
