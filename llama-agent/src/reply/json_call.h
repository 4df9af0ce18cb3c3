// One call of a tool that is written as a JSON object: {"name": "look", "arguments": {"at": 1}}.
//
// Many families write their calls so, between markers of their own. The order of the members does not matter;
// "parameters" is read as "arguments", arguments that stand in a string are taken out of it, and none are {}.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json_text.h"
#include "llama-agent/reply_event.h"

namespace llama::internal {

class JsonCall {
 public:
  // The number of the call in its reply.
  explicit JsonCall(std::int32_t number) : number_(number) {}

  // Takes bytes up to the object's end, or up to where it is none; returns how many.
  std::size_t push(std::string_view text, ReplyEvents& events);
  // The text ended. is_whole: nothing was cut off, so that a missing last brace is forgiven.
  void finish(bool is_whole, ReplyEvents& events);

  [[nodiscard]] bool is_over() const { return place_ == Place::Over; }
  [[nodiscard]] bool has_begun() const { return begun_; }  // told
  // What was read, as long as nothing of it has been told.
  [[nodiscard]] const std::string& untold() const { return raw_; }

 private:
  enum class Place { Start, Key, InKey, Colon, Value, InName, InArguments, InArgumentsText, InOther, Next, Over };
  bool take(char c, ReplyEvents& events);  // false: the byte is not ours
  void begin_value(char c);
  void tell_arguments(ReplyEvents& events);
  void begin(ReplyEvents& events);
  void end(bool is_complete, ReplyEvents& events);

  std::int32_t number_;
  Place place_ = Place::Start;
  std::string raw_, key_, id_, name_, other_;
  std::string arguments_;  // all of them
  std::size_t told_ = 0;   // bytes of them
  bool begun_ = false, has_name_ = false, has_arguments_ = false;
  JsonString string_;
  JsonValue value_;
};

}  // namespace llama::internal
