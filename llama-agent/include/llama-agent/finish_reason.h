// Say why a reply ended.
#pragma once

#include <string_view>

namespace llama {

enum class FinishReason {
  EndOfSequence,  // the model ended its reply
  StopString,     // a stop string of the request came
  StopRule,       // a rule of the request's own said so
  TokenLimit,     // as many tokens as were asked for
  ContextFull,    // the context has no more room
  Repetition,     // the same text came again and again
  TimeLimit,
  Cancelled,
};

// "end of sequence", …
[[nodiscard]] std::string_view to_string(FinishReason reason);

// The name that OpenAI's interface has for it: "stop" or "length"; "cancelled" for what it does not know.
[[nodiscard]] std::string_view openai_name(FinishReason reason);

}  // namespace llama
