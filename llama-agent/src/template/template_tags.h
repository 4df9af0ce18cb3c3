// Find a chat template's tags, and what is in them.
#pragma once

#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

// A tag of a template, from its opening to its closing brace.
struct TemplateTag {
  std::size_t begin = 0, end = 0;  // end: npos where it has none
  char kind = ' ';                 // '%' a statement, '{' an expression, '#' a comment
  std::string_view body{};         // without braces, dashes and the white space inside of them
  bool strips_after = false, strips_before = false;
};

[[nodiscard]] std::optional<TemplateTag> next_tag(std::string_view source, std::size_t from);

[[nodiscard]] inline bool is_template_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
[[nodiscard]] inline bool is_template_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
[[nodiscard]] std::string_view without_spaces_around(std::string_view text);
[[nodiscard]] std::string_view first_template_word(std::string_view text);

// Calls `on_char` with the place of every character outside of strings.
template <class F>
void outside_template_strings(std::string_view body, F&& on_char) {
  char quote = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote == 0) {
      on_char(i);
    } else if (c == '\\') {
      ++i;
    } else if (c == quote) {
      quote = 0;
    }
  }
}

// What of a body is more than minja can be given: a reason, or "".
[[nodiscard]] std::string too_much_in(std::string_view body);

// The names that a macro's tag gives to its arguments: "macro f(a, b='x')" has a and b.
[[nodiscard]] std::vector<std::string> parameters_of(std::string_view body);
// Those that a statement gives a value to: "set a, b = …" and "for a, b in …" have a and b, "set n.x = …" has n.x.
[[nodiscard]] std::vector<std::string> targets_of(std::string_view body);

}  // namespace llama::internal
