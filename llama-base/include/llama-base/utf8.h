// Read and write characters of UTF-8, and tell whether a text is UTF-8 at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama::internal {

struct Decoded {
  char32_t character;
  std::size_t length;  // bytes, at least 1
};

// The character at text[at]; U+FFFD for bytes that are no UTF-8. Requires at < text.size().
inline Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> char32_t { return static_cast<unsigned char>(text[at + i]); };
  const auto follows = [&](std::size_t i) { return at + i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const char32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xc2 && first < 0xe0 && follows(1)) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first >= 0xe0 && first < 0xf0 && follows(1) && follows(2)) {
    const char32_t c = (first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    if (c >= 0x800 && (c < 0xd800 || c >= 0xe000)) return {c, 3};
  }
  if (first >= 0xf0 && first < 0xf5 && follows(1) && follows(2) && follows(3)) {
    const char32_t c = (first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
    if (c >= 0x10000 && c < 0x110000) return {c, 4};
  }
  return {0xfffd, 1};
}

// Writes at most 4 bytes; returns their number.
inline std::size_t encode(char32_t c, char* out) {
  const auto put = [&](std::size_t i, char32_t byte) { out[i] = static_cast<char>(byte); };
  if (c < 0x80) return put(0, c), 1;
  if (c < 0x800) return put(0, 0xc0 | c >> 6), put(1, 0x80 | (c & 0x3f)), 2;
  if (c < 0x10000) return put(0, 0xe0 | c >> 12), put(1, 0x80 | (c >> 6 & 0x3f)), put(2, 0x80 | (c & 0x3f)), 3;
  put(0, 0xf0 | c >> 18), put(1, 0x80 | (c >> 12 & 0x3f)), put(2, 0x80 | (c >> 6 & 0x3f)), put(3, 0x80 | (c & 0x3f));
  return 4;
}

// The whole text, vectorized: gigabytes a second.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace llama::internal
