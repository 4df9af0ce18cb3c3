// Look at a JSON text before anything that recurses, or that compares names, reads it.
//
// nlohmann's parser needs no stack for depth, but what walks its values does; and an object that keeps its members'
// order compares each new name with all of those before it: a million members would take hours.
// Cost     one pass; the text need not be JSON.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace llama::internal {

constexpr int kMaxJsonDepth = 200;
constexpr std::size_t kMaxMemberComparisons = 50'000'000;  // those of one object of 10,000 members

// Calls take(c) for each character outside of strings.
template <class Take>
void outside_json_strings(std::string_view text, Take&& take) {
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      take(text[i]);
    }
  }
}

// How deep its brackets stand in each other.
[[nodiscard]] inline int json_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  outside_json_strings(text, [&](char c) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  });
  return deepest;
}

// How many names are compared while it is read.
[[nodiscard]] inline std::size_t json_member_comparisons(std::string_view text) {
  std::size_t comparisons = 0;
  std::vector<std::size_t> names;  // of each object and list that is open
  outside_json_strings(text, [&](char c) {
    if (c == '[' || c == '{') names.push_back(0);
    if ((c == ']' || c == '}') && !names.empty()) names.pop_back();
    if (c == ':' && !names.empty()) comparisons += names.back()++;
  });
  return comparisons;
}

[[nodiscard]] inline bool is_bounded_json(std::string_view text) {
  return json_depth(text) <= kMaxJsonDepth && json_member_comparisons(text) <= kMaxMemberComparisons;
}

}  // namespace llama::internal
