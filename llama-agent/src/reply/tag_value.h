// Turn the value of a parameter that is written between tags, without quotes, into JSON as it comes.
//
// Whether "5" is a number or a text is known from the tool's JSON Schema alone: a parameter that may only be a text is
// told while it is written; any other value is told at its end, as JSON where it is some, else as a text. One line
// break behind the opening tag and one before the closing tag belong to the tags.
// Threads  one at a time.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

enum class ParameterKind {
  Text,     // whatever it looks like
  Value,    // JSON; what is none is a text
  Unknown,  // by its looks: JSON that is no text in quotes, else a text as it stands
};

// What a tool's JSON Schema says of a parameter.
[[nodiscard]] ParameterKind parameter_kind(const std::string& schema, const std::string& parameter);

class TagValue {
 public:
  explicit TagValue(ParameterKind kind) : kind_(kind) {}
  // More of the value; what of the JSON is known by now.
  [[nodiscard]] std::string push(std::string_view text);
  // The closing tag came.
  [[nodiscard]] std::string finish();

 private:
  ParameterKind kind_;
  std::string held_;  // all of it but for a text, of which only a last line break is
  bool has_begun_ = false;
};

}  // namespace llama::internal
