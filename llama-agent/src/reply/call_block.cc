#include "call_block.h"

namespace llama::internal {

void CallTeller::begin(std::string_view name, ReplyEvents& events) {
  events.emplace_back(ToolCallBegun{.call = begun_++, .name = std::string(name)});
  is_in_call_ = true;
}

void CallTeller::arguments(std::string_view json, ReplyEvents& events) const {
  if (json.empty()) return;
  auto* last = events.empty() ? nullptr : std::get_if<ToolCallArguments>(&events.back());
  if (last != nullptr) {
    last->json += json;
  } else {
    events.emplace_back(ToolCallArguments{.call = begun_ - 1, .json = std::string(json)});
  }
}

void CallTeller::end(bool is_complete, ReplyEvents& events) {
  events.emplace_back(ToolCallEnded{.call = begun_ - 1, .is_complete = is_complete});
  is_in_call_ = false;
}

}  // namespace llama::internal
