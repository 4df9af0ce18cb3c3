// How a family of models writes its calls of tools, as data: what the grammars of calls are made from.
//
// A pattern is text with places in it:
//   %N  the tool's name          %A  its arguments: a JSON object, or one `parameter` after another
//   %K  a parameter's name       %V  its value: a text as it is, without `value_closer` in it; or JSON
//   %T  "true" where the value is a text, else "false"
//   %I  an id of nine letters and digits      %#  a number
//   %_ %~ %/  white space of any kind, or none; where a call is written as an example: none, a space, a line break
// A closer that ends the model's turn (a token that ends generation) is left out: where the grammar may end, the model
// may end its turn.
#pragma once

#include <span>
#include <string_view>

namespace llama::internal {

inline constexpr std::string_view kOneCall = "\x01";

struct CallPattern {
  std::string_view format{};   // the reply format that reads it: "hermes"
  std::string_view opener{};   // before the first call
  std::string_view call{};     // "<tool_call>%_{%_\"name\"%_:%_\"%N\" …"
  std::string_view between{};  // two calls; kOneCall: there are no two in a reply
  std::string_view closer{};   // behind the last call
  // In `opener` or at the beginning of `call`: a model that has written this writes a call, and is held to the rest of
  // it. "": nothing shows a call before its name does, and only a call that must come is held to a grammar.
  std::string_view marker{};
  std::string_view parameter{};     // "": the arguments are a JSON object
  std::string_view value_closer{};  // of a parameter that is text
  std::string_view thought{};       // what a thought before the calls begins with, where the template does not say so
  std::string_view next_message{};  // what stands between a thought and the calls; "": white space
};

[[nodiscard]] std::span<const CallPattern> call_patterns();
// The pattern of a format. Null: its calls are not held to a grammar.
[[nodiscard]] const CallPattern* call_pattern_of(std::string_view format);
// Of one that has no pattern: what opens a call, so that it can be made to come. "": it is not known.
[[nodiscard]] std::string_view call_opener_of(std::string_view format);

}  // namespace llama::internal
