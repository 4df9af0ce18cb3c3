// One call of a tool whose arguments are JSON: {"name": "look", "arguments": {"at": 1}}.
//
// Many families write their calls so, between markers of their own. The order of the members does not matter;
// "parameters" is read as "arguments", "tool_name" as "name", "tool_call_id" as "id", arguments that stand in a string
// are taken out of it, and none are {}.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "call_reader.h"
#include "json_text.h"
#include "llama-agent/reply_event.h"

namespace llama::internal {

enum class JsonCallForm {
  Members,    // {"name": "look", "arguments": {"at": 1}}
  NameIsKey,  // {"look": {"at": 1}}
  Arguments,  // {"at": 1}: the name stood before
};

class JsonCall final : public CallReader {
 public:
  // The number of the call in its reply.
  explicit JsonCall(std::int32_t number, JsonCallForm form = JsonCallForm::Members) : number_(number), form_(form) {}
  // Of a call whose name stood before, and maybe its id, the arguments.
  JsonCall(std::int32_t number, std::string name, std::string id)
      : number_(number), form_(JsonCallForm::Arguments), id_(std::move(id)), name_(std::move(name)) {}

  std::size_t push(std::string_view text, ReplyEvents& events) override;
  void finish(bool is_whole, ReplyEvents& events) override;
  [[nodiscard]] bool is_over() const override { return place_ == Place::Over; }
  [[nodiscard]] bool has_begun() const override { return begun_; }
  [[nodiscard]] const std::string& untold() const override { return raw_; }

 private:
  enum class Place { Start, Key, InKey, Colon, Value, InName, InArguments, InArgumentsText, InOther, Next, Over };
  bool take(char c, ReplyEvents& events);  // false: the byte is not ours
  bool start(char c, ReplyEvents& events);
  void begin_value(char c);
  void end_arguments(ReplyEvents& events);
  void tell_arguments(ReplyEvents& events);
  void begin(ReplyEvents& events);
  void end(bool is_complete, ReplyEvents& events);

  std::int32_t number_;
  JsonCallForm form_;
  Place place_ = Place::Start;
  std::string id_, name_, raw_, key_, other_;
  std::string arguments_;  // all of them
  std::size_t told_ = 0;   // bytes of them
  bool begun_ = false, has_name_ = false, has_arguments_ = false;
  JsonString string_;
  JsonValue value_;
};

}  // namespace llama::internal
