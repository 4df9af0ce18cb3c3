#include "expression_text.h"

#include <algorithm>
#include <format>
#include <utility>

#include "character_property.h"
#include "llama-base/utf8.h"
#include "regular_expression.h"

namespace llama::internal {
namespace {

const CodePoints& digit_characters() {
  static const CodePoints kDigits({{'0', '9'}});
  return kDigits;
}

const CodePoints& space_characters() {
  static const CodePoints kSpaces({{0x09, 0x0D},
                                   {0x20, 0x20},
                                   {0xA0, 0xA0},
                                   {0x1680, 0x1680},
                                   {0x2000, 0x200A},
                                   {0x2028, 0x2029},
                                   {0x202F, 0x202F},
                                   {0x205F, 0x205F},
                                   {0x3000, 0x3000},
                                   {0xFEFF, 0xFEFF}});
  return kSpaces;
}

std::u32string decoded(std::string_view text) {
  std::u32string characters;
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, length] = decode(text, at);
    characters += character;
    at += length;
  }
  return characters;
}

int hex_value(char32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<int>(c - 'A') + 10;
  return -1;
}

bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_single(const CodePoints& set) {
  return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].second;
}

}  // namespace

ExpressionText::ExpressionText(std::string_view text, SchemaWork& work) : text_(decoded(text)), work_(work) {}

bool ExpressionText::take(std::u32string_view what) {
  if (!std::u32string_view(text_).substr(at_).starts_with(what)) return false;
  at_ += what.size();
  return true;
}

void ExpressionText::refuse(std::string what) {
  if (!wrong_) wrong_ = std::move(what);
}

CodePoints ExpressionText::read_class() {
  const bool negated = take(U"^");
  constexpr std::size_t kWorkOfARange = 4;
  std::vector<CodePoints::Range> members;  // put in order at the end
  const auto add = [&](const CodePoints& set) {
    work_.spend(kWorkOfARange * set.ranges().size());
    members.insert(members.end(), set.ranges().begin(), set.ranges().end());
  };
  while (more() && peek() != ']' && !work_.is_over()) {
    const CodePoints first = read_class_member();
    const bool is_range = peek() == '-' && at_ + 1 < text_.size() && peek(1) != ']';
    if (!is_range) {
      add(first);
      continue;
    }
    ++at_;
    const CodePoints last = read_class_member();
    if (wrong_) break;
    if (!is_single(first) || !is_single(last)) {  // [\w-.]: the three of them
      add(first);
      members.emplace_back('-', '-');
      add(last);
    } else if (first.ranges()[0].first > last.ranges()[0].first) {
      refuse("a range whose ends are the wrong way round");
    } else {
      members.emplace_back(first.ranges()[0].first, last.ranges()[0].first);
    }
  }
  if (work_.is_over()) refuse("more characters than can be read");
  if (!take(U"]")) refuse("a '[' without ']'");
  CodePoints all(std::move(members));
  return negated ? all.complement() : all;
}

CodePoints ExpressionText::read_class_member() {
  if (take(U"\\")) return read_escape(true);
  const char32_t c = text_[at_++];
  return CodePoints({{c, c}});
}

// What stands after a backslash.
CodePoints ExpressionText::read_escape(bool in_class) {
  if (at_ >= text_.size()) {
    refuse("a backslash at its end");
    return {};
  }
  const char32_t c = text_[at_++];
  const auto one = [](char32_t code_point) { return CodePoints({{code_point, code_point}}); };
  switch (c) {
    case 'd':
      return digit_characters();
    case 'D':
      return digit_characters().complement();
    case 's':
      return space_characters();
    case 'S':
      return space_characters().complement();
    case 'w':
      return word_characters();
    case 'W':
      return word_characters().complement();
    case 't':
      return one('\t');
    case 'n':
      return one('\n');
    case 'v':
      return one('\v');
    case 'f':
      return one('\f');
    case 'r':
      return one('\r');
    case 'x':
      return one(read_hex(2));
    case 'u':
      return one(read_unicode());
    case 'p':
      return read_property();
    case 'P':
      return read_property().complement();
    case 'c':
      if (is_letter(peek())) return one(text_[at_++] % 32);
      refuse("'\\c' without a letter");
      return {};
    case 'k':
      refuse("a back-reference");
      return {};
    default:
      break;
  }
  if (c == 'b' && in_class) return one('\b');
  if (c == '0' && (peek() < '0' || peek() > '9')) return one(0);
  if (c >= '0' && c <= '9') {
    refuse("a back-reference");
  } else if (is_letter(c)) {
    refuse(std::format("'\\{}', which ECMA 262 does not know", static_cast<char>(c)));
  }
  return one(c);
}

char32_t ExpressionText::read_hex(int digits) {
  char32_t value = 0;
  for (int i = 0; i < digits; ++i, ++at_) {
    if (hex_value(peek()) < 0) {
      refuse("an escape that lacks hexadecimal digits");
      return 0;
    }
    value = value * 16 + static_cast<char32_t>(hex_value(peek()));
  }
  return value;
}

char32_t ExpressionText::read_unicode() {
  if (take(U"{")) {
    char32_t value = 0;
    const std::size_t begin = at_;
    for (; hex_value(peek()) >= 0 && value <= kMaxCodePoint; ++at_)
      value = value * 16 + static_cast<char32_t>(hex_value(peek()));
    if (at_ == begin || value > kMaxCodePoint || !take(U"}")) refuse("an escape '\\u{…}' that is no character");
    return std::min(value, kMaxCodePoint);
  }
  const char32_t first = read_hex(4);
  if (first >= 0xD800 && first < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
    const std::size_t begin = at_;
    at_ += 2;
    const char32_t second = read_hex(4);
    if (second >= 0xDC00 && second < 0xE000) return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
    at_ = begin;
  }
  return first;
}

CodePoints ExpressionText::read_property() {
  std::string name;
  if (!take(U"{")) {
    refuse("'\\p' without '{'");
    return {};
  }
  for (; more() && peek() != '}' && peek() < 0x80; ++at_) name += static_cast<char>(peek());
  if (!take(U"}")) refuse("'\\p{' without '}'");
  if (wrong_) return {};
  const CodePoints* set = characters_of_property(name, work_);
  if (set == nullptr) {
    refuse(std::format("the property '{}', which is not known", name));
    return {};
  }
  return *set;
}

}  // namespace llama::internal
