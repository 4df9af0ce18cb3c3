#include "json_text.h"

#include <format>
#include <string_view>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

bool is_high_surrogate(std::uint32_t code) { return code >= 0xD800 && code < 0xDC00; }
bool is_low_surrogate(std::uint32_t code) { return code >= 0xDC00 && code < 0xE000; }

void append_utf8(std::uint32_t code, std::string& text) {
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0U | (code >> 6U));
    byte(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    byte(0xE0U | (code >> 12U));
    byte(0x80U | ((code >> 6U) & 0x3FU));
    byte(0x80U | (code & 0x3FU));
  } else {
    byte(0xF0U | (code >> 18U));
    byte(0x80U | ((code >> 12U) & 0x3FU));
    byte(0x80U | ((code >> 6U) & 0x3FU));
    byte(0x80U | (code & 0x3FU));
  }
}

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void JsonString::unit(std::uint32_t code, std::string& text) {
  if (const std::uint32_t first = std::exchange(surrogate_, 0); first != 0) {
    if (is_low_surrogate(code)) return append_utf8(0x10000 + ((first - 0xD800) << 10U) + (code - 0xDC00), text);
    append_utf8(kReplacement, text);
  }
  if (is_high_surrogate(code)) {
    surrogate_ = code;
  } else {
    append_utf8(is_low_surrogate(code) || code == 0 ? kReplacement : code, text);
  }
}

bool JsonString::push(char c, std::string& text) {
  if (digits_ > 0) {
    if (const int value = hexadecimal(c); value >= 0) {
      code_ = code_ * 16 + static_cast<std::uint32_t>(value);
      if (--digits_ == 0) unit(code_, text);
      return true;
    }
    digits_ = 0;  // no escape after all
    append_utf8(kReplacement, text);
  }
  if (escaped_) {
    escaped_ = false;
    if (c == 'u') {
      digits_ = 4;
      code_ = 0;
      return true;
    }
    constexpr std::string_view kNames = "bfnrt", kValues = "\b\f\n\r\t";
    const std::size_t at = kNames.find(c);
    if (std::exchange(surrogate_, 0) != 0) append_utf8(kReplacement, text);
    text += at == std::string_view::npos ? c : kValues[at];
    return true;
  }
  if (c == '\\') {
    escaped_ = true;
    return true;
  }
  if (std::exchange(surrogate_, 0) != 0) append_utf8(kReplacement, text);
  if (c == '"') return false;
  text += c;
  return true;
}

JsonValue::Took JsonValue::push(char c, std::string& json) {
  const bool is_blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
  if (in_string_) {
    if (static_cast<unsigned char>(c) < 0x20) {
      json += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : std::format("\\u{:04x}", static_cast<int>(c));
      escaped_ = false;
      return Took::Part;
    }
    json += c;
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_string_ = false;
      if (depth_ == 0) return Took::Last;
    }
    return Took::Part;
  }
  if (depth_ == 0 && is_scalar_ && (is_blank || c == ',' || c == '}' || c == ']')) return Took::Nothing;
  const bool closes = c == '}' || c == ']';
  if (closes && depth_ == 0) return Took::Nothing;
  if (!comma_.empty()) {
    if (is_blank) {
      comma_ += c;
      return Took::Part;
    }
    if (!closes) json += comma_;
    comma_.clear();
  }
  if (c == ',' && depth_ > 0) {
    comma_ = c;
    return Took::Part;
  }
  json += c;
  if (c == '"') {
    in_string_ = true;
  } else if (c == '{' || c == '[') {
    ++depth_;
  } else if (closes) {
    if (--depth_ == 0) return Took::Last;
  } else if (depth_ == 0) {
    is_scalar_ = true;
  }
  return Took::Part;
}

}  // namespace llama::internal
