#include "json_quote.h"

#include <format>

namespace llama::internal {

void append_in_quotes(std::string_view text, std::string& json) {
  constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
  for (const char c : text) {
    if (const std::size_t at = kEscaped.find(c); at != std::string_view::npos) {
      json += '\\';
      json += kNames[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += std::format("\\u{:04x}", static_cast<int>(c));
    } else {
      json += c;
    }
  }
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  append_in_quotes(text, json);
  return json += '"';
}

}  // namespace llama::internal
