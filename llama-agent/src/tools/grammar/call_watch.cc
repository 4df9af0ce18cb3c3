#include "call_watch.h"

#include <algorithm>
#include <variant>

namespace llama::internal {

void CallWatch::push(std::string_view text, const ReplyEvents& events, bool is_thinking) {
  is_thinking_ = is_thinking;
  bool has_ended = false;
  for (const auto& event : events) {
    if (std::holds_alternative<ToolCallBegun>(event)) is_in_call_ = true;
    if (std::holds_alternative<ToolCallEnded>(event)) is_in_call_ = false, has_ended = true;
  }
  if (is_held_ && has_ended && !hold_.marker_is_once) is_held_ = false;
  if (has_ended || is_thinking || is_in_call_) tail_.clear();
  if (hold_.marker.empty() || is_held_ || is_in_call_ || is_thinking || has_ended) return;
  tail_ += text;
  if (const std::size_t at = tail_.rfind(hold_.marker); at != std::string::npos) {
    const std::string_view behind = std::string_view(tail_).substr(at + hold_.marker.size());
    is_held_ = behind.find_first_not_of(" \t\r\n") == std::string_view::npos;
    if (is_held_) ++run_;
    tail_.clear();
    return;
  }
  tail_.erase(0, tail_.size() - std::min(tail_.size(), hold_.marker.size() - 1));
}

GrammarPhase CallWatch::phase() const {
  if (is_thinking_) return {.grammar = kNoGrammar};
  if (hold_.whole_reply || !is_held_) return {};
  return {.grammar = 1, .run = run_};
}

}  // namespace llama::internal
