// Texts of tools: patterns of names, results as a model may read them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama::internal {

// "*" is any text, "?" one character. Cost: length of the pattern times length of the text.
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view text);

// Whole characters, no NUL.
[[nodiscard]] std::string clean_text(std::string text);

struct CutText {
  std::string text;
  std::size_t cut_bytes = 0;
};
// At most max_bytes of a clean text, whole characters, and then a note that says how to ask for the rest.
[[nodiscard]] CutText cut_result(std::string text, std::size_t max_bytes);
constexpr std::size_t kCutNoteBytes = 256;  // no note is longer

}  // namespace llama::internal
