// What a reply consists of, in the order in which the model wrote it.
//
// A call begins once its name is whole, then its arguments come as they are written, then it ends. What was told is
// never taken back. A call that somebody else's limit cut before its name was whole begins and ends without one.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace llama {

// A part of the answer: whole characters.
struct TextEvent {
  std::string text;
  bool operator==(const TextEvent&) const = default;
};

// A part of the thought before it: whole characters.
struct ThinkingEvent {
  std::string text;
  bool operator==(const ThinkingEvent&) const = default;
};

struct ToolCallBegun {
  std::int32_t call = 0;  // the number of the call in this reply, from 0
  std::string id{};       // as the model wrote it, else a new one of nine letters and digits
  std::string name{};     // as the model wrote it: a tool of that name need not exist; "": cut off before it
  bool operator==(const ToolCallBegun&) const = default;
};

struct ToolCallArguments {
  std::int32_t call = 0;
  std::string json{};  // goes on with what came before; together they are the arguments
  bool operator==(const ToolCallArguments&) const = default;
};

struct ToolCallEnded {
  std::int32_t call = 0;
  bool is_complete = true;  // false: cut off, or no JSON object; such a call must not be run
  bool operator==(const ToolCallEnded&) const = default;
};

using ReplyEvent = std::variant<TextEvent, ThinkingEvent, ToolCallBegun, ToolCallArguments, ToolCallEnded>;
using ReplyEvents = std::vector<ReplyEvent>;

}  // namespace llama
