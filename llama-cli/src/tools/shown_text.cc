#include "shown_text.h"

#include <algorithm>
#include <format>

#include "../progress.h"
#include "question_prompt.h"

namespace llama {

std::string shown(std::string_view text, std::size_t max_bytes) {
  std::size_t end = std::min(text.size(), max_bytes);
  // Not in the middle of a character.
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  std::string line = printable(text.substr(0, end));
  std::ranges::replace(line, '\n', ' ');
  return end == text.size() ? line : std::format("{}… ({} bytes)", line, with_thousands(text.size()));
}

}  // namespace llama
