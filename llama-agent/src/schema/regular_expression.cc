#include "regular_expression.h"

#include <algorithm>
#include <format>
#include <optional>
#include <string>
#include <utility>

#include "character_property.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

constexpr int kMaxGroupDepth = 100;
constexpr int kMaxCount = 100'000;  // of a quantifier; larger ones are read as this one and then are too large

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

const CodePoints& line_ends() {
  static const CodePoints kLineEnds({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
  return kLineEnds;
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

class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(decoded(text)) {}

  Result<RegularExpression> read() {
    RegularExpression all = read_choice(0);
    if (!wrong_ && at_ < text_.size()) refuse("a ')' without '('");
    if (wrong_) return fail(ErrorCode::InvalidArgument, *wrong_);
    return all;
  }

 private:
  using Kind = RegularExpression::Kind;

  [[nodiscard]] char32_t peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0';
  }
  [[nodiscard]] bool more() const { return at_ < text_.size() && !wrong_; }
  bool take(std::u32string_view what) {
    if (!std::u32string_view(text_).substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void refuse(std::string what) {
    if (!wrong_) wrong_ = std::move(what);
  }

  RegularExpression read_choice(int depth) {
    RegularExpression choice{.kind = Kind::Choice};
    if (depth > kMaxGroupDepth) refuse(std::format("groups more than {} deep", kMaxGroupDepth));
    do choice.parts.push_back(read_sequence(depth));
    while (!wrong_ && take(U"|"));
    return choice.parts.size() == 1 ? RegularExpression(std::move(choice.parts.front())) : choice;
  }

  RegularExpression read_sequence(int depth) {
    RegularExpression sequence;
    while (more() && peek() != '|' && peek() != ')') {
      RegularExpression atom = read_atom(depth);
      read_quantifier(atom);
      sequence.parts.push_back(std::move(atom));
    }
    return sequence;
  }

  RegularExpression read_atom(int depth) {
    if (take(U"^")) return {.kind = Kind::Begin};
    if (take(U"$")) return {.kind = Kind::End};
    if (take(U"\\b")) return {.kind = Kind::WordEdge};
    if (take(U"\\B")) return {.kind = Kind::NoWordEdge};
    if (take(U".")) return {.kind = Kind::Characters, .characters = line_ends().complement()};
    if (take(U"[")) return {.kind = Kind::Characters, .characters = read_class()};
    if (take(U"(")) return read_group(depth);
    if (std::u32string_view(U"*+?").contains(peek())) refuse("a quantifier that has nothing to repeat");
    if (take(U"\\")) return {.kind = Kind::Characters, .characters = read_escape(false)};
    const char32_t c = text_[at_++];
    return {.kind = Kind::Characters, .characters = CodePoints({{c, c}})};
  }

  RegularExpression read_group(int depth) {
    if (take(U"?=") || take(U"?!")) refuse("look-ahead");
    if (take(U"?<=") || take(U"?<!")) refuse("look-behind");
    if (take(U"?<")) {
      while (more() && peek() != '>') ++at_;
      if (!take(U">")) refuse("a group whose name has no end");
    } else if (!take(U"?:") && peek() == '?') {
      refuse("flags of a group");
    }
    if (wrong_) return {};
    RegularExpression group = read_choice(depth + 1);
    if (!take(U")")) refuse("a '(' without ')'");
    return group;
  }

  void read_quantifier(RegularExpression& atom) {
    int least = 0, most = RegularExpression::kEndless;
    if (take(U"?")) {
      most = 1;
    } else if (take(U"+")) {
      least = 1;
    } else if (!take(U"*") && !read_counts(least, most)) {
      return;
    }
    take(U"?");  // a lazy one matches the same texts
    if (std::u32string_view(U"*+?").contains(peek()) && more()) refuse("a quantifier of a quantifier");
    if (most != RegularExpression::kEndless && least > most) refuse("a quantifier whose ends are the wrong way round");
    RegularExpression repetition{.kind = Kind::Repetition, .least = least, .most = most};
    repetition.parts.push_back(std::move(atom));
    atom = std::move(repetition);
  }

  // A brace that begins no quantifier stands for itself.
  bool read_counts(int& least, int& most) {
    const std::size_t begin = at_;
    const auto back = [&] { return at_ = begin, false; };
    if (!take(U"{")) return false;
    const auto low = read_number();
    if (!low) return back();
    least = most = *low;
    if (take(U",")) most = read_number().value_or(RegularExpression::kEndless);
    return take(U"}") || back();
  }

  std::optional<int> read_number() {
    if (peek() < '0' || peek() > '9') return std::nullopt;
    int number = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      number = std::min(kMaxCount, 10 * number + static_cast<int>(peek() - '0'));
    }
    return number;
  }

  CodePoints read_class() {
    const bool negated = take(U"^");
    CodePoints members;
    while (more() && peek() != ']') {
      const CodePoints first = read_class_member();
      const bool is_range = peek() == '-' && at_ + 1 < text_.size() && peek(1) != ']';
      if (!is_range) {
        members.add(first);
        continue;
      }
      ++at_;
      const CodePoints last = read_class_member();
      if (wrong_) break;
      if (!is_single(first) || !is_single(last)) {  // [\w-.]: the three of them
        members.add(first);
        members.add('-', '-');
        members.add(last);
      } else if (first.ranges()[0].first > last.ranges()[0].first) {
        refuse("a range whose ends are the wrong way round");
      } else {
        members.add(first.ranges()[0].first, last.ranges()[0].first);
      }
    }
    if (!take(U"]")) refuse("a '[' without ']'");
    return negated ? members.complement() : members;
  }

  static bool is_single(const CodePoints& set) {
    return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].second;
  }

  CodePoints read_class_member() {
    if (take(U"\\")) return read_escape(true);
    const char32_t c = text_[at_++];
    return CodePoints({{c, c}});
  }

  // What stands after a backslash.
  CodePoints read_escape(bool in_class) {
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

  char32_t read_hex(int digits) {
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

  char32_t read_unicode() {
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

  CodePoints read_property() {
    std::string name;
    if (!take(U"{")) {
      refuse("'\\p' without '{'");
      return {};
    }
    for (; more() && peek() != '}' && peek() < 0x80; ++at_) name += static_cast<char>(peek());
    if (!take(U"}")) refuse("'\\p{' without '}'");
    if (wrong_) return {};
    const CodePoints* set = characters_of_property(name);
    if (set == nullptr) {
      refuse(std::format("the property '{}', which is not known", name));
      return {};
    }
    return *set;
  }

  std::u32string text_;
  std::size_t at_ = 0;
  std::optional<std::string> wrong_;
};

}  // namespace

const CodePoints& word_characters() {
  static const CodePoints kWord({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
  return kWord;
}

Result<RegularExpression> parse_regular_expression(std::string_view text) { return ExpressionReader(text).read(); }

}  // namespace llama::internal
