// Say which grammar the next token of a reply is held to, from what the reply has come to.
//
// Phases (reply_format.h): a thought is free; a reply that must be calls is held to the request's grammar; a call that
// the model begins by itself, to the rest of one, from the marker on until it has ended.
// A marker whose token brought more than white space along came too late for a grammar: that call stays free, and is
// checked once it is there.
// Threads  one at a time. Cost: one search in the new text.
#pragma once

#include <string>
#include <string_view>

#include "../../reply/reply_format.h"

namespace llama::internal {

struct CallHold {
  bool whole_reply = false;     // it must be calls
  std::string marker{};         // "": calls that the model begins by itself are free
  bool marker_is_once = false;  // before all calls: the grammar holds all of them
};

class CallWatch {
 public:
  explicit CallWatch(CallHold hold) : hold_(std::move(hold)) {}

  // A text of the reply and what it was told as; is_thinking: afterwards.
  void push(std::string_view text, const ReplyEvents& events, bool is_thinking);
  [[nodiscard]] GrammarPhase phase() const;

 private:
  CallHold hold_;
  std::string tail_;  // in which a marker may begin
  bool is_thinking_ = false, is_in_call_ = false, is_held_ = false;
  std::int32_t run_ = 0;
};

}  // namespace llama::internal
