// Write a shape's text as a sequence of a grammar.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

// What stands in the places of a shape, each as a sequence of a grammar; those that do not occur may be empty.
struct ShapePlaces {
  std::string name{}, arguments{}, key{}, value{};
  bool is_text = false;  // the value
};

// "": an empty text.
[[nodiscard]] std::string shape_sequence(std::string_view text, const ShapePlaces& places);

// The text itself, with a tool's name and its arguments in their places and white space as the shape has it.
[[nodiscard]] std::string shape_text(std::string_view text, std::string_view name, std::string_view arguments);

// A literal with escapes for line breaks.
[[nodiscard]] std::string escaped_literal(std::string_view text);

// Rules "PREFIX0", "PREFIX1", …: texts in which `closer` does not occur. One automaton of as many states as the closer
// has characters (Knuth, Morris and Pratt): where a text stands in the closer, and where each character leads.
// Requires a closer of UTF-8 that is not empty.
[[nodiscard]] std::string text_without_rules(std::string_view closer, std::string_view prefix);

}  // namespace llama::internal
