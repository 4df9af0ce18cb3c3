// Where in a schema something stands, for people: a JSON pointer behind "#", cut where it is long.
#pragma once

#include <string>
#include <string_view>

namespace llama::internal {

// A schema may put a long name around thousands of others.
inline std::string place_below(const std::string& place, std::string_view name) {
  constexpr std::size_t kMaxPlaceBytes = 200;
  std::string below = place + "/";
  for (const char c : name) below += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  if (below.size() <= kMaxPlaceBytes) return below;
  std::size_t cut = kMaxPlaceBytes;
  while (cut > 0 && (static_cast<unsigned char>(below[cut]) & 0xC0U) == 0x80) --cut;
  return below.substr(0, cut) + "…";
}

}  // namespace llama::internal
