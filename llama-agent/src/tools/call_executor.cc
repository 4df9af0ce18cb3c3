#include "call_executor.h"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "call_board.h"
#include "call_references.h"
#include "tool_text.h"

namespace llama::internal {
namespace {

using CallClock = std::chrono::steady_clock;

enum class CallPhase { Waiting, Asking, Running, Ended };

struct CallState {
  CallPhase phase = CallPhase::Waiting;
  bool is_ready = false;  // its arguments are what the tool gets
  bool is_approved = false;
  bool runs_alone = false;   // a person changed its arguments, so the plan does not know it any more
  bool is_given_up = false;  // it may still be running
  std::string arguments;
  std::string stopped;  // why it was told to stop; "": it was not
  std::stop_source stop{std::nostopstate};
  CallClock::time_point started{}, deadline = CallClock::time_point::max();
  EndedCall end;
};

class CallExecutor {
 public:
  CallExecutor(std::span<const CallToRun> calls, const CallRules& rules, ToolThreads& threads, const CallHooks& hooks)
      : calls_(calls), rules_(rules), threads_(threads), hooks_(hooks), states_(calls.size()) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto& [call, tool, refusal] = calls[i];
      to_plan_.push_back({call.id, call.name, tool ? tool->full_name() : call.name,
                          tool ? tool->definition : ToolDefinition(), call.arguments,
                          !refusal.empty() || tool == nullptr});
      states_[i].arguments = call.arguments;
    }
    plan_ = plan_calls(to_plan_, rules.parallel);
  }

  // Where one of the hooks throws, nobody waits for the calls any more.
  ~CallExecutor() {
    for (auto& state : states_) state.stop.request_stop();
  }
  CallExecutor(const CallExecutor&) = delete;
  CallExecutor& operator=(const CallExecutor&) = delete;

  std::vector<EndedCall> run() {
    const std::stop_callback on_stop(rules_.stop, [board = board_] { board->wake(); });
    while (!step()) take(board_->wait_until(next_deadline()));
    std::vector<EndedCall> ends;
    for (auto& state : states_) ends.push_back(std::move(state.end));
    return ends;
  }

 private:
  [[nodiscard]] int count(CallPhase phase) const {
    return static_cast<int>(std::ranges::count(states_, phase, &CallState::phase));
  }

  // Ends and begins what can be; true: all have ended.
  bool step() {
    if (rules_.stop.stop_requested()) stop_all();
    give_up_late();
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t i = 0; i < states_.size(); ++i) {
        if (states_[i].phase == CallPhase::Waiting && advance(i)) changed = true;
      }
    }
    return count(CallPhase::Ended) == std::ssize(states_);
  }

  // True: something changed for it.
  bool advance(std::size_t i) {
    auto& state = states_[i];
    if (!calls_[i].refusal.empty()) return end_unrun(i, calls_[i].refusal);
    if (!plan_.problems[i].empty()) return end_unrun(i, "not run: " + plan_.problems[i]);
    for (const auto& wait : plan_.waits[i]) {
      const auto& other = states_[wait.call];
      if (other.phase != CallPhase::Ended) return false;
      const auto name = std::format("call {}, {}", wait.call + 1, calls_[wait.call].call.name);
      if (wait.needs_result && other.end.result.is_error) {
        return end_unrun(i, std::format("not run: it needs the result of {}, which failed", name));
      }
      if (other.is_given_up) {
        return end_unrun(
            i, std::format("not run: {} did not stop in time and may still be at work ({})", name, wait.reason));
      }
    }
    if (!state.is_ready && !make_ready(i)) return true;
    if (!state.is_approved) return approve(i);
    return start(i);
  }

  // References replaced, arguments checked. False: it has ended.
  bool make_ready(std::size_t i) {
    auto& state = states_[i];
    const auto& schema = calls_[i].tool->definition.parameters;
    const auto named = [&](std::string_view name) { return call_named(to_plan_, name); };
    std::vector<std::string> candidates{state.arguments};
    const bool has_references = rules_.parallel.references && state.arguments.contains('$');
    if (has_references) {
      const auto result = [&](std::size_t n) { return states_[n].end.result.text; };
      auto replaced = replace_references(state.arguments, named, result, rules_.limits.arguments.max_argument_bytes);
      if (!replaced) return end_unrun(i, "not run: " + replaced.error().message), false;
      candidates = {std::move(replaced->typed), std::move(replaced->as_text)};
    }
    std::string wrong;
    for (auto& candidate : candidates) {
      const auto sound = validate_call(schema, candidate, rules_.limits.arguments);
      if (sound) {
        state.arguments = std::move(candidate);
        state.is_ready = true;
        return true;
      }
      if (wrong.empty()) wrong = sound.error().message;
    }
    state.end.wrong_arguments = wrong;
    return end_unrun(i, "not run: the arguments do not match: " + wrong), false;
  }

  bool approve(std::size_t i) {
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
    state.deadline = CallClock::now() + policy.time_limit;
    const bool has_begun =
        threads_.start([board = board_, ask = policy.asker, question, i, stop = state.stop.get_token()] {
          ApprovalAnswer answer{.reason = "the question could not be asked"};
          try {
            answer = ask(question, stop);
          } catch (...) {  // stays a denial
          }
          board->tell_answer(i, std::move(answer));
        });
    if (!has_begun) return denied(i, "the question could not be asked");
    return true;
  }

  bool approved(std::size_t i, std::string reason) {
    states_[i].is_approved = true;
    states_[i].phase = CallPhase::Waiting;
    rules_.approvals.memory->see(calls_[i].tool->definition);
    hooks_.tell(ApprovalDecided{static_cast<std::int32_t>(i), calls_[i].call.id, true, std::move(reason)});
    return true;
  }

  bool denied(std::size_t i, const std::string& reason) {
    hooks_.tell(ApprovalDecided{static_cast<std::int32_t>(i), calls_[i].call.id, false, reason});
    states_[i].end.was_denied = true;
    return end_unrun(i, std::format("not run: the call was denied: {}", reason));
  }

  // False: it has to wait for a place.
  bool start(std::size_t i) {
    auto& state = states_[i];
    const int running = count(CallPhase::Running);
    const bool one_is_alone =
        std::ranges::any_of(states_, [](const CallState& s) { return s.phase == CallPhase::Running && s.runs_alone; });
    if (running >= rules_.parallel.max_parallel_tools || one_is_alone || (state.runs_alone && running > 0))
      return false;
    if (state.runs_alone && std::ranges::any_of(states_, &CallState::is_given_up)) {
      return end_unrun(i, "not run: another call did not stop in time and may still be at work");
    }
    hooks_.tell(CallStarted{static_cast<std::int32_t>(i), calls_[i].call.id, calls_[i].call.name, state.arguments});
    state.phase = CallPhase::Running;
    state.stop = std::stop_source();
    state.started = CallClock::now();
    state.deadline = state.started + rules_.limits.call_time_limit;
    state.end.was_run = true;
    ToolContext context{state.stop.get_token(), state.deadline,
                        [board = board_, i](const ToolProgress& progress) { board->tell_progress(i, progress); }};
    const bool has_begun = threads_.start([board = board_, function = calls_[i].tool->function,
                                           arguments = state.arguments, context = std::move(context), i]() mutable {
      auto result = call_guarded(function, arguments, context);
      function = nullptr;
      board->tell_result(i, std::move(result));
    });
    if (has_begun) return true;
    state.end.was_run = false;
    return end_unrun(i, "not run: too many calls are at work that did not end when they should");
  }

  void take(CallBoard::News news) {
    for (auto& [i, progress] : news.progress) {
      if (states_[i].phase != CallPhase::Running || !states_[i].stopped.empty()) continue;
      progress.message = clean_text(cut_result(std::move(progress.message), kMaxProgressBytes).text);
      hooks_.tell(CallProgress{static_cast<std::int32_t>(i), calls_[i].call.id, progress});
    }
    for (auto& [i, result] : news.results) {
      if (states_[i].phase != CallPhase::Running) continue;
      if (!states_[i].stopped.empty()) result = {states_[i].stopped, true};
      end(i, std::move(result));
    }
    for (auto& [i, answer] : news.answers) {
      if (states_[i].phase == CallPhase::Asking) take_answer(i, std::move(answer));
    }
  }

  void take_answer(std::size_t i, ApprovalAnswer answer) {
    auto& state = states_[i];
    state.deadline = CallClock::time_point::max();
    if (!state.stopped.empty()) return void(denied(i, state.stopped));
    if (answer.kind == ApprovalAnswer::Kind::Deny) {
      return void(denied(i, answer.reason.empty() ? "the person said no" : clean_text(std::move(answer.reason))));
    }
    if (!answer.arguments.empty() && answer.arguments != state.arguments) {
      const auto sound =
          validate_call(calls_[i].tool->definition.parameters, answer.arguments, rules_.limits.arguments);
      if (!sound) return void(denied(i, "the changed arguments do not match: " + sound.error().message));
      state.arguments = std::move(answer.arguments);
      state.runs_alone = true;
    }
    if (answer.kind == ApprovalAnswer::Kind::Tool) rules_.approvals.memory->approve(calls_[i].tool->definition);
    approved(i, "a person allowed it");
  }

  void stop_all() {
    const std::string why = rules_.why_stopped();
    for (std::size_t i = 0; i < states_.size(); ++i) {
      auto& state = states_[i];
      if (state.phase == CallPhase::Waiting) end_unrun(i, "not run: " + why);
      if (state.phase == CallPhase::Running || state.phase == CallPhase::Asking) tell_to_stop(state, "stopped: " + why);
    }
  }

  void tell_to_stop(CallState& state, std::string why) {
    if (!state.stopped.empty()) return;
    state.stopped = std::move(why);
    state.deadline = CallClock::now() + rules_.limits.give_up_after;
    state.stop.request_stop();
  }

  void give_up_late() {
    const auto now = CallClock::now();
    for (std::size_t i = 0; i < states_.size(); ++i) {
      auto& state = states_[i];
      if (state.phase != CallPhase::Running && state.phase != CallPhase::Asking) continue;
      if (now < state.deadline) continue;
      const bool is_asking = state.phase == CallPhase::Asking;
      if (state.stopped.empty()) {
        const auto limit = is_asking ? rules_.approvals.time_limit : rules_.limits.call_time_limit;
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

  [[nodiscard]] CallClock::time_point next_deadline() const {
    auto next = CallClock::time_point::max();
    for (const auto& state : states_) {
      const bool counts = state.phase == CallPhase::Running || state.phase == CallPhase::Asking;
      if (counts) next = std::min(next, state.deadline);
    }
    return next;
  }

  bool end_unrun(std::size_t i, std::string why) {
    end(i, {std::move(why), true});
    return true;
  }

  void end(std::size_t i, ToolResult result) {
    auto& state = states_[i];
    state.phase = CallPhase::Ended;
    if (state.runs_alone && state.end.was_run) {
      result.text = std::format("[run with arguments that a person changed: {}]\n{}", state.arguments, result.text);
    }
    state.end.result = {clean_text(std::move(result.text)), result.is_error};
    if (state.end.was_run) {
      state.end.time = std::chrono::duration_cast<std::chrono::milliseconds>(CallClock::now() - state.started);
    }
    hooks_.ended(i, state.end);
    drop_large(state.end.result.text);
  }

  // A result that no arguments may hold is needed by nobody any more.
  void drop_large(std::string& text) const {
    if (text.size() > rules_.limits.arguments.max_argument_bytes)
      text.resize(rules_.limits.arguments.max_argument_bytes + 1);
  }

  static constexpr std::size_t kMaxProgressBytes = 1024;

  std::span<const CallToRun> calls_;
  const CallRules& rules_;
  ToolThreads& threads_;
  const CallHooks& hooks_;
  std::vector<CallState> states_;
  std::vector<CallToPlan> to_plan_;
  CallPlan plan_;
  bool is_asker_lost_ = false;  // it did not come back: nobody asks it again
  std::shared_ptr<CallBoard> board_ = std::make_shared<CallBoard>();
};

}  // namespace

ToolResult call_guarded(const ToolFunction& function, const std::string& arguments,
                        const ToolContext& context) noexcept {
  try {
    try {
      return function(arguments, context);
    } catch (const std::bad_alloc&) {
      return {"the tool failed: out of memory", true};
    } catch (const std::exception& thrown) {
      return {std::format("the tool failed: {}", thrown.what()), true};
    } catch (...) {
      return {"the tool failed and gave no reason", true};
    }
  } catch (...) {
    return {"it failed", true};  // short enough to need no memory
  }
}

std::vector<EndedCall> run_calls(std::span<const CallToRun> calls, const CallRules& rules, ToolThreads& threads,
                                 const CallHooks& hooks) {
  return CallExecutor(calls, rules, threads, hooks).run();
}

}  // namespace llama::internal
