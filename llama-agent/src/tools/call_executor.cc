#include "call_executor.h"

#include <format>
#include <optional>
#include <utility>

#include "../at_most_a_year.h"
#include "call_execution.h"
#include "call_references.h"
#include "tool_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxProgressBytes = 1024;

}  // namespace

CallExecution::CallExecution(std::span<const CallToRun> calls, const CallRules& rules, ToolThreads& threads,
                             const CallHooks& hooks)
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

std::vector<EndedCall> CallExecution::run() {
  const std::stop_callback on_stop(rules_.stop, [board = board_] { board->wake(); });
  while (!step()) take(board_->wait_until(next_deadline()));
  std::vector<EndedCall> ends;
  for (auto& state : states_) ends.push_back(std::move(state.end));
  return ends;
}

bool CallExecution::step() {
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

bool CallExecution::advance(std::size_t i) {
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

bool CallExecution::make_ready(std::size_t i) {
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
    const auto sound = validate_call(schema, candidate, rules_.limits.arguments, rules_.stop);
    if (sound) {
      state.arguments = std::move(candidate);
      state.is_ready = true;
      return true;
    }
    if (sound.error().code == ErrorCode::Cancelled) return end_unrun(i, "not run: " + rules_.why_stopped()), false;
    if (wrong.empty()) wrong = sound.error().message;
  }
  state.end.wrong_arguments = wrong;
  return end_unrun(i, "not run: the arguments do not match: " + wrong), false;
}

bool CallExecution::start(std::size_t i) {
  auto& state = states_[i];
  const int running = count(CallPhase::Running);
  const bool one_is_alone =
      std::ranges::any_of(states_, [](const CallState& s) { return s.phase == CallPhase::Running && s.runs_alone; });
  if (running >= rules_.parallel.max_parallel_tools || one_is_alone || (state.runs_alone && running > 0)) return false;
  if (state.runs_alone && std::ranges::any_of(states_, &CallState::is_given_up)) {
    return end_unrun(i, "not run: another call did not stop in time and may still be at work");
  }
  hooks_.tell(CallStarted{static_cast<std::int32_t>(i), calls_[i].call.id, calls_[i].call.name, state.arguments});
  state.phase = CallPhase::Running;
  state.stop = std::stop_source();
  state.started = CallClock::now();
  state.deadline = state.started + at_most_a_year(rules_.limits.call_time_limit);
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

void CallExecution::take(CallBoard::News news) {
  for (auto& [i, progress] : news.progress) {
    if (states_[i].phase != CallPhase::Running || !states_[i].stopped.empty()) continue;
    extend(states_[i]);
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

bool CallExecution::end_unrun(std::size_t i, std::string why) {
  end(i, {std::move(why), true});
  return true;
}

void CallExecution::end(std::size_t i, ToolResult result) {
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

void CallExecution::drop_large(std::string& text) const {
  if (text.size() > rules_.limits.arguments.max_argument_bytes)
    text.resize(rules_.limits.arguments.max_argument_bytes + 1);
}

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
  return CallExecution(calls, rules, threads, hooks).run();
}

}  // namespace llama::internal
