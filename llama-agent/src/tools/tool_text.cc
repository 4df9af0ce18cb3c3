#include "tool_text.h"

#include <algorithm>
#include <format>
#include <utility>

#include "llama-base/utf8.h"
#include "llama-base/utf8_stream.h"

namespace llama::internal {

bool fits_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string clean_text(std::string text) {
  std::string clean = is_utf8(text) ? std::move(text) : whole_characters(text);
  if (!clean.contains('\0')) return clean;
  std::string without;
  for (const char c : clean) c == '\0' ? without += "\uFFFD" : without += c;
  return without;
}

CutText cut_result(std::string text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return {std::move(text), 0};
  const std::size_t all = text.size();
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  text += std::format(
      "\n[cut: these are the first {} of {} bytes. For the rest call the tool again and ask for less at once: "
      "a range, a page, a filter.]",
      end, all);
  return {std::move(text), all - end};
}

}  // namespace llama::internal
