// Turn bytes that come in any pieces into whole UTF-8 characters.
//
// Bytes that are no character become U+FFFD, one for each maximal part of a character (as the Unicode standard
// advises).
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

class Utf8Stream {
 public:
  // The characters that are whole now.
  [[nodiscard]] std::string push(std::string_view bytes);
  // What is left is no character any more.
  [[nodiscard]] std::string finish();
  [[nodiscard]] bool holds() const { return !held_.empty(); }

 private:
  std::string held_;  // the beginning of a character: at most three bytes
};

// The same for a whole text.
[[nodiscard]] std::string whole_characters(std::string_view bytes);

}  // namespace llama::internal
