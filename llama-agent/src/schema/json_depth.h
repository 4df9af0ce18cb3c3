// Count how deep the brackets of a JSON text stand in each other, before anything that recurses reads it.
//
// Cost     one pass; the text need not be JSON.
#pragma once

#include <algorithm>
#include <string_view>

namespace llama::internal {

[[nodiscard]] inline int json_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace llama::internal
