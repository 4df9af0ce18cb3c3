#include "run_guard.h"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "call_references.h"
#include "llama-base/json_shape.h"

namespace llama::internal {
namespace {

// The same arguments, however they are written.
std::string canonical(const std::string& arguments, const CallLimits& limits) {
  if (arguments.size() > limits.max_argument_bytes || json_depth(arguments) > limits.max_argument_depth)
    return arguments;
  const auto value = nlohmann::json::parse(arguments, nullptr, false);
  return value.is_discarded() ? arguments : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void RunGuard::stop(RunEnd end, std::string detail) {
  if (end_) return;
  end_ = end;
  detail_ = std::move(detail);
}

void RunGuard::count_arguments(const std::string& name, bool match) {
  auto& tries = tries_[name];
  tries = match ? 0 : tries + 1;
  if (tries >= limits_.max_argument_tries) {
    stop(RunEnd::ArgumentTries, std::format("arguments for '{}' did not match {} times in a row", name, tries));
  }
}

std::string RunGuard::refusal(const ToolCall& call, std::size_t number, const ListedTool* tool, const ToolList& tools,
                              bool is_last, const std::vector<ToolCall>& all) {
  if (is_last) return std::format("not run: after {} replies this run is over", limits_.max_rounds);
  if (std::cmp_greater_equal(number, limits_.max_calls_per_round)) {
    return std::format("not run: one reply may have {} calls; call it again in the next", limits_.max_calls_per_round);
  }
  if (calls_ >= limits_.max_calls) {
    stop(RunEnd::CallLimit, std::format("all {} calls of a run were made", limits_.max_calls));
    return std::format("not run: a run may have {} calls and has had them", limits_.max_calls);
  }
  ++calls_;
  if (tool == nullptr) return std::format("there is no tool '{}'; there are: {}", call.name, tools.names());
  const auto count = ++same_[call.name + "\n" + canonical(call.arguments, limits_.arguments)];
  if (count > limits_.max_same_calls) {
    if (count > limits_.max_same_calls + 1) {
      stop(RunEnd::SameCall, std::format("'{}' was called with the same arguments again and again", call.name));
    }
    return std::format(
        "not run: '{}' was called with these arguments {} times, and the answers are above. Use them, or do something "
        "else.",
        call.name, limits_.max_same_calls);
  }
  // What has references is checked once they are replaced.
  const auto any_call = [&](std::string_view name) -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].id == name || all[i].name == name || std::to_string(i + 1) == name) return i;
    }
    return std::nullopt;
  };
  const auto small = validate_call("", call.arguments, limits_.arguments);
  const bool waits = small && references_ && !referenced_calls(call.arguments, any_call).empty();
  if (waits) return {};
  const auto sound =
      small ? validate_call(tool->definition.parameters, call.arguments, limits_.arguments, stop_) : small;
  if (!sound && sound.error().code == ErrorCode::Cancelled) return {};  // it is not begun
  count_arguments(call.name, sound.has_value());
  if (sound) return {};
  return std::format("not run: the arguments do not match: {}", sound.error().message);
}

std::vector<CallToRun> RunGuard::look_at(std::vector<ToolCall> calls, const ToolList& tools, bool is_last) {
  std::vector<CallToRun> looked_at;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto* tool = tools.find(calls[i].name);
    auto why = refusal(calls[i], i, tool, tools, is_last, calls);
    looked_at.push_back({calls[i], tool, std::move(why)});
  }
  if (is_last && !calls.empty()) {
    stop(RunEnd::RoundLimit, std::format("the model still calls tools after {} replies", limits_.max_rounds));
  }
  return looked_at;
}

}  // namespace llama::internal
