#include "regular_expression.h"

#include <algorithm>
#include <format>
#include <optional>
#include <string>
#include <utility>

#include "expression_text.h"

namespace llama::internal {
namespace {

constexpr int kMaxGroupDepth = 100;
constexpr int kMaxCount = 100'000;  // of a quantifier; larger ones are read as this one and then are too large

const CodePoints& line_ends() {
  static const CodePoints kLineEnds({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}});
  return kLineEnds;
}

class ExpressionReader : private ExpressionText {
 public:
  using ExpressionText::ExpressionText;

  Result<RegularExpression> read() {
    RegularExpression all = read_choice(0);
    if (!wrong_ && at_ < text_.size()) refuse("a ')' without '('");
    if (wrong_) return fail(ErrorCode::InvalidArgument, *wrong_);
    return all;
  }

 private:
  using Kind = RegularExpression::Kind;

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
      ranges_ += atom.characters.ranges().size();
      if (ranges_ > kMaxExpressionRanges) refuse("more characters than can be matched");
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

  std::size_t ranges_ = 0;
};

}  // namespace

const CodePoints& word_characters() {
  static const CodePoints kWord({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
  return kWord;
}

Result<RegularExpression> parse_regular_expression(std::string_view text, SchemaWork& work) {
  return ExpressionReader(text, work).read();
}

}  // namespace llama::internal
