// Make one line of what a server wrote, for a message: line breaks become " | ", what moves a cursor is left out.
//
// A message stands in a terminal: an escape sequence from outside could rewrite what is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama::internal {

[[nodiscard]] std::string one_line(std::string_view text);
// "…" and the end of a text, from a character's beginning on. The last max_bytes, or a little less.
[[nodiscard]] std::string last_part(std::string_view text, std::size_t max_bytes);
// The beginning and "…"; all of it where it is short enough.
[[nodiscard]] std::string first_part(std::string_view text, std::size_t max_bytes);

}  // namespace llama::internal
