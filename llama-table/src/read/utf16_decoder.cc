#include "read/utf16_decoder.h"

#include <array>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

void add_character(char32_t c, std::string& out) {
  std::array<char, 4> bytes{};
  out.append(bytes.data(), encode(c, bytes.data()));
}

}  // namespace

std::optional<Utf16Decoder> Utf16Decoder::find(std::string_view first_bytes) {
  const bool is_utf32 = first_bytes.size() >= 4 && first_bytes.substr(0, 4) == std::string_view("\xff\xfe\0\0", 4);
  const bool is_arrow = first_bytes.starts_with("\xff\xff");
  if (is_utf32 || is_arrow) return std::nullopt;
  if (first_bytes.starts_with("\xff\xfe")) return Utf16Decoder(false);
  if (first_bytes.starts_with("\xfe\xff")) return Utf16Decoder(true);
  return std::nullopt;
}

void Utf16Decoder::add_unit(char32_t unit, std::string& out) {
  constexpr char32_t kReplacement = 0xfffd;
  if (!is_begun_) {
    is_begun_ = true;
    return;
  }
  const bool is_low = unit >= 0xdc00 && unit < 0xe000;
  if (surrogate_) {
    const char32_t high = *surrogate_;
    surrogate_.reset();
    if (is_low) return add_character(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00), out);
    add_character(kReplacement, out);
  }
  if (unit >= 0xd800 && unit < 0xdc00) {
    surrogate_ = unit;
  } else {
    add_character(is_low ? kReplacement : unit, out);
  }
}

void Utf16Decoder::decode(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!half_) {
      half_ = byte;
      continue;
    }
    const char32_t first = *half_, second = byte;
    half_.reset();
    add_unit(is_big_ ? first << 8 | second : second << 8 | first, out);
  }
}

}  // namespace llama::internal
