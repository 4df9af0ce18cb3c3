// Look at the beginning and the end of a text that markers stand in.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

namespace llama::internal {

using Markers = std::span<const std::string_view>;

inline constexpr std::string_view kWhite = " \t\r\n";
inline constexpr std::string_view kFenceMark = "```";

// Bytes of white space.
[[nodiscard]] inline std::size_t white_at_front(std::string_view text) {
  return std::min(text.find_first_not_of(kWhite), text.size());
}
[[nodiscard]] inline std::string_view trimmed_at_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kWhite) + 1);
}

// The marker that a text begins with; of two the longer one. "": none.
[[nodiscard]] inline std::string_view marker_at(std::string_view text, Markers markers) {
  std::string_view found;
  for (const auto marker : markers) {
    if (text.starts_with(marker) && marker.size() > found.size()) found = marker;
  }
  return found;
}

// Is a text the beginning of a marker, and not the whole of it?
[[nodiscard]] inline bool may_go_on(std::string_view text, Markers markers) {
  return std::ranges::any_of(markers,
                             [&](auto marker) { return marker.size() > text.size() && marker.starts_with(text); });
}

}  // namespace llama::internal
