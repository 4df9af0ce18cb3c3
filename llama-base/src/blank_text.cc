#include "llama-base/blank_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxWhiteSpace = 3;  // bytes of a character

}  // namespace

std::size_t white_space_at_start(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      ++i;
      continue;
    }
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\xc2\xa0") || rest.starts_with("\xc2\x85")) {  // NO-BREAK SPACE, NEXT LINE
      i += 2;
      continue;
    }
    const bool of_three_bytes =
        rest.starts_with("\xe3\x80\x80") || rest.starts_with("\xe1\x9a\x80") || rest.starts_with("\xe2\x80\xa8") ||
        rest.starts_with("\xe2\x80\xa9") || rest.starts_with("\xe2\x80\xaf") || rest.starts_with("\xe2\x81\x9f") ||
        (rest.size() >= 3 && rest.starts_with("\xe2\x80") && static_cast<unsigned char>(rest[2]) >= 0x80 &&
         static_cast<unsigned char>(rest[2]) <= 0x8a);
    if (!of_three_bytes) return i;
    i += 3;
  }
  return text.size();
}

void BlankTest::add(std::string_view piece) {
  if (has_text_) return;
  const std::string joined = rest_.empty() ? std::string() : rest_ + std::string(piece);
  std::string_view text = rest_.empty() ? piece : joined;
  text.remove_prefix(white_space_at_start(text));
  has_text_ = text.size() >= kMaxWhiteSpace;  // else it may be a character that is cut
  rest_ = has_text_ ? std::string() : std::string(text);
}

}  // namespace llama::internal
