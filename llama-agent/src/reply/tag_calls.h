// Read the calls of a family that writes a name and its parameters between tags: one machine, families as data.
//
//   <tool_call>              opener, around several calls or one; "": none
//   <function=look>          call, name, name_end
//   <parameter=at>           parameter, key, key_end
//   sky
//   </parameter>             value_end
//   </function>              call_end
//   </tool_call>             closer
//
// Understood whatever the family: an opener left out where the name is a tool's, closers left out or written twice,
// parameters in any order. A value ends at the first value_end, so that text which looks like another tag is a part of
// it. What is no call after all is text, its tags included.
// Threads  one at a time.
// Cost     one pass; held back is at most the longest tag with the white space before it, a name, a key, or a value
//          that is no text (tag_value.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "held_text.h"
#include "reply_format.h"
#include "tag_value.h"

namespace llama::internal {

struct TagMarkup {
  std::string_view opener{}, closer{};
  std::string_view call{}, name_end{}, call_end{};
  std::string_view parameter{}, key_end{}, value_end{};
  std::string_view value{};  // between a key and its value: "<arg_value>"; "": the value follows
  // Behind a key there are further attributes, up to a ">"; `string="true"` and `string="false"` say what the value is.
  bool has_attributes = false;
  bool has_cdata = false;  // <![CDATA[…]]> may stand around a value, which then is a text
};

class TagCalls final : public ReplyFormat {
 public:
  // The markup outlives the format.
  TagCalls(const TagMarkup& markup, const ReplyFormatOptions& options);

  void push(const ReplyPiece& piece, ReplyEvents& events) override;
  void finish(ReplyEnd end, ReplyEvents& events) override;

 private:
  enum class Place { Text, Opened, Name, Between, Key, Attributes, BeforeValue, Value, After };
  bool step(ReplyEvents& events, bool ended);  // true: what is left may be looked at
  bool pass_text(ReplyEvents& events, bool ended);
  bool open(ReplyEvents& events, bool ended);
  bool read_name(ReplyEvents& events, bool ended);
  bool read_between(ReplyEvents& events);
  bool read_key(ReplyEvents& events);
  bool read_attributes();
  bool skip_to_value(ReplyEvents& events, bool ended);
  bool read_value(ReplyEvents& events, bool ended);
  bool after(bool ended);

  void go_to(Place place);
  [[nodiscard]] bool is_cut_call();   // is what is held the beginning of a call?
  void give_up(ReplyEvents& events);  // what was taken for a call is text
  void tell_json(std::string json, ReplyEvents& events);
  void end_call(bool is_complete, ReplyEvents& events);
  void drop_blanks();

  const TagMarkup& markup_;
  std::vector<std::string> tools_, schemas_;
  std::vector<std::string> openers_;  // what may begin a call
  Place place_ = Place::Text;
  HeldText held_;
  std::string opening_;  // what was taken since the call seemed to begin
  bool is_opened_ = false, is_after_call_ = false;
  bool is_behind_call_ = false;  // with nothing but white space between
  std::string name_, key_;
  ParameterKind kind_ = ParameterKind::Unknown;
  std::optional<TagValue> value_;
  std::string value_end_;  // what ends it
  bool has_parameters_ = false, in_call_ = false;
  std::int32_t calls_ = 0;
};

}  // namespace llama::internal
