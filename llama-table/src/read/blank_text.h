// Tell a text of white space alone (Unicode's White_Space) from others.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "llama-base/utf8.h"

namespace llama::internal {

[[nodiscard]] inline bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

[[nodiscard]] inline bool is_blank_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded next = decode(text, at);
    if (!is_white_space(next.character)) return false;
    at += next.length;
  }
  return true;
}

}  // namespace llama::internal
