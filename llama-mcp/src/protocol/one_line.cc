#include "protocol/one_line.h"

namespace llama::internal {
namespace {

bool is_inside_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  bool is_break = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\n' || c == '\r') {
      is_break = !line.empty();
      continue;
    }
    // C0, DEL, and C1 as UTF-8 writes it.
    const bool is_c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (is_c1) ++i;
    if (is_c1 || c == 0x7f || (c < 0x20 && c != '\t')) continue;
    if (is_break) line += " | ";
    is_break = false;
    line += c == '\t' ? ' ' : text[i];
  }
  return line;
}

std::string last_part(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t at = text.size() - max_bytes;
  while (at < text.size() && is_inside_character(text[at])) ++at;
  return "…" + std::string(text.substr(at));
}

std::string first_part(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && is_inside_character(text[end])) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace llama::internal
