#include "grammar_check.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

constexpr int kMaxBracketDepth = 100;
constexpr int kMaxRuleDepth = 1'000;
constexpr double kMaxBeginnings = 100'000;
constexpr int kEndless = std::numeric_limits<int>::max();

struct Symbol {
  std::optional<std::size_t> rule{};  // nothing: a character
  int least = 1, most = 1;
};
using Sequence = std::vector<Symbol>;

struct Rule {
  std::string name{};     // "": a bracket
  std::size_t place = 0;  // where it is first mentioned
  std::vector<Sequence> alternatives{};
};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Rule>> parse() {
    skip_space(true);
    while (at_ < text_.size() && !wrong_) parse_rule();
    for (const auto& rule : rules_) {
      if (!wrong_ && rule.alternatives.empty())
        at_ = rule.place, expect(false, std::format("there is no rule '{}'", rule.name));
    }
    if (wrong_) return fail(ErrorCode::InvalidArgument, *wrong_);
    return std::move(rules_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  // Notes the first thing that is wrong; whoever sees false returns.
  bool expect(bool holds, std::string_view what) {
    if (holds || wrong_) return !wrong_;
    const std::string_view before = text_.substr(0, at_);
    const auto row = std::ranges::count(before, '\n') + 1;
    const std::size_t line = before.rfind('\n');
    wrong_ = std::format("the grammar is wrong in row {}, column {}: {}", row,
                         line == std::string_view::npos ? at_ + 1 : at_ - line, what);
    return false;
  }

  void skip_space(bool over_lines) {
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (c == ' ' || c == '\t' || (over_lines && (c == '\r' || c == '\n'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::size_t rule_named(std::string name, std::size_t place) {
    const auto [found, is_new] = numbers_.try_emplace(name, rules_.size());
    if (is_new) rules_.push_back({.name = std::move(name), .place = place});
    return found->second;
  }

  std::string parse_name() {
    const std::size_t begin = at_;
    while (is_word(peek())) ++at_;
    expect(at_ > begin, "the name of a rule is missing");
    return std::string(text_.substr(begin, at_ - begin));
  }

  void parse_rule() {
    const std::size_t place = at_;
    std::string name = parse_name();
    skip_space(false);
    if (!expect(text_.substr(at_).starts_with("::="), "'::=' is missing")) return;
    at_ += 3;
    skip_space(true);
    const std::size_t rule = rule_named(std::move(name), place);
    rules_[rule].alternatives.clear();  // of two with one name the last one counts
    parse_alternatives(rule, 0);
    if (!expect(at_ >= text_.size() || peek() == '\r' || peek() == '\n', "this is no part of a rule")) return;
    skip_space(true);
  }

  void parse_alternatives(std::size_t rule, int depth) {
    for (;;) {
      Sequence sequence = parse_sequence(depth);
      rules_[rule].alternatives.push_back(std::move(sequence));
      if (wrong_ || peek() != '|') return;
      ++at_;
      skip_space(true);
    }
  }

  Sequence parse_sequence(int depth) {
    Sequence sequence;
    bool can_repeat = false;
    while (at_ < text_.size() && !wrong_) {
      const char c = peek();
      const std::size_t length = sequence.size();
      if (c == '"') {
        if (parse_quoted()) sequence.push_back({});
      } else if (c == '[') {
        parse_class();
        sequence.push_back({});
      } else if (c == '.') {
        ++at_;
        sequence.push_back({});
      } else if (c == '<' || c == '!') {  // a token
        at_ = std::min(text_.find('>', at_), text_.size());
        if (expect(at_ < text_.size(), "'>' is missing")) ++at_;
        sequence.push_back({});
      } else if (is_word(c)) {
        const std::size_t place = at_;
        sequence.push_back({.rule = rule_named(parse_name(), place)});
      } else if (c == '(') {
        if (!expect(depth < kMaxBracketDepth, std::format("brackets lie more than {} deep", kMaxBracketDepth))) break;
        ++at_;
        skip_space(true);
        const std::size_t group = rules_.size();
        rules_.push_back({.place = at_});
        parse_alternatives(group, depth + 1);
        if (expect(peek() == ')', "')' is missing")) ++at_;
        sequence.push_back({.rule = group});
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (!expect(can_repeat, "there is nothing to repeat")) break;
        parse_repetition(sequence.back());
        skip_space(depth > 0);
        continue;
      } else {
        break;
      }
      can_repeat = sequence.size() > length;
      skip_space(depth > 0);
    }
    return sequence;
  }

  void parse_repetition(Symbol& symbol) {
    const char c = peek();
    ++at_;
    int least = c == '+' ? 1 : 0;
    int most = c == '?' ? 1 : kEndless;
    if (c == '{') {
      least = parse_number();
      most = least;
      if (peek() == ',') {
        ++at_;
        skip_space(true);
        most = is_digit(peek()) ? parse_number() : kEndless;
      }
      if (expect(peek() == '}', "'}' is missing")) ++at_;
      if (!expect(least <= most, "the repetitions end before they begin")) return;
    }
    // One behind another: what is repeated then is a repetition itself.
    if (symbol.least != 1 || symbol.most != 1) {
      rules_.push_back({.place = at_, .alternatives = {{symbol}}});
      symbol.rule = rules_.size() - 1;
    }
    symbol.least = least;
    symbol.most = most;
  }

  int parse_number() {
    skip_space(true);
    expect(is_digit(peek()), "a number is missing");
    std::int64_t number = 0;
    for (; is_digit(peek()); ++at_) number = std::min<std::int64_t>(kEndless, 10 * number + (peek() - '0'));
    skip_space(true);
    return static_cast<int>(number);
  }

  // False where nothing stands in it.
  bool parse_quoted() {
    const std::size_t begin = ++at_;
    while (peek() != '"' && expect(at_ < text_.size(), "'\"' is missing") && parse_character()) {
    }
    return wrong_ || at_++ > begin;
  }

  void parse_class() {
    ++at_;
    while (peek() != ']' && expect(at_ < text_.size(), "']' is missing") && parse_character()) {
    }
    if (!wrong_) ++at_;
  }

  bool parse_character() {
    if (peek() != '\\') return ++at_, true;
    const char escape = peek(1);
    const int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
    if (digits == 0 && !expect(escape != '\0' && std::string_view("trn\\\"[]-").contains(escape), "no such escape")) {
      return false;
    }
    at_ += 2;
    for (int i = 0; i < digits; ++i, ++at_) {
      const bool is_hex = is_digit(peek()) || (peek() >= 'a' && peek() <= 'f') || (peek() >= 'A' && peek() <= 'F');
      if (!expect(is_hex, std::format("the escape needs {} hexadecimal digits", digits))) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::string> wrong_;
  std::vector<Rule> rules_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

// In how many ways something comes to its first character, and in how many it comes to its end without one.
struct Ways {
  double first = 0, none = 0;
  int depth = 0;  // of the rules on the way
};

class Counter {
 public:
  explicit Counter(const std::vector<Rule>& rules) : rules_(rules), known_(rules.size()), open_(rules.size()) {}

  Result<void> count_all() {
    for (std::size_t i = 0; i < rules_.size() && !wrong_; ++i) static_cast<void>(count(i, 0));
    if (wrong_) return fail(ErrorCode::InvalidArgument, *wrong_);
    return {};
  }

 private:
  Ways count(std::size_t rule, int depth) {
    if (known_[rule]) return *known_[rule];
    // One that begins with itself: llama.cpp refuses it, with a reason.
    if (open_[rule] || wrong_) return {};
    if (depth > kMaxRuleDepth) return refuse_depth();
    open_[rule] = true;
    Ways sum;
    for (const auto& sequence : rules_[rule].alternatives) {
      Ways ways{.first = 0, .none = 1, .depth = 0};
      for (const auto& symbol : sequence) {
        if (ways.none == 0) break;
        const Ways once = symbol.rule ? count(*symbol.rule, depth + 1) : Ways{.first = 1, .none = 0, .depth = 0};
        const Ways next = repeated(once, symbol);
        ways = {.first = ways.first + ways.none * next.first, .none = ways.none * next.none, .depth = 0};
        sum.depth = std::max(sum.depth, once.depth + 1);
      }
      sum.first += ways.first;
      sum.none += ways.none;
    }
    if (sum.depth > kMaxRuleDepth) return refuse_depth();
    if (sum.first + sum.none > kMaxBeginnings && !wrong_) {
      wrong_ = std::format("the grammar has a rule that can begin in more than {} ways: '{}'", kMaxBeginnings,
                           rules_[rule].name.empty() ? "(…)" : rules_[rule].name);
    }
    open_[rule] = false;
    known_[rule] = sum;
    return sum;
  }

  Ways refuse_depth() {
    if (!wrong_) wrong_ = std::format("the grammar's rules lead to each other more than {} deep", kMaxRuleDepth);
    return {};
  }

  static Ways repeated(const Ways& once, const Symbol& symbol) {
    if (once.none == 0)
      return {.first = symbol.most > 0 ? once.first : 0, .none = symbol.least == 0 ? 1.0 : 0.0, .depth = 0};
    if (symbol.least == 1 && symbol.most == 1) return once;
    Ways ways;
    double power = 1;  // of once.none
    for (int k = 0; k <= std::min(symbol.most, 4096) && power <= kMaxBeginnings; ++k, power *= once.none) {
      if (k >= symbol.least || symbol.most == kEndless) ways.none += power;
      if (k < symbol.most) ways.first += power * once.first;
      if (symbol.most == kEndless && k >= symbol.least) break;
    }
    if (power > kMaxBeginnings) ways.none += power;
    return ways;
  }

  const std::vector<Rule>& rules_;
  std::vector<std::optional<Ways>> known_;
  std::vector<bool> open_;
  std::optional<std::string> wrong_;
};

}  // namespace

Result<void> check_grammar(std::string_view gbnf) {
  const auto rules = Parser(gbnf).parse();
  if (!rules) return std::unexpected(rules.error());
  return Counter(*rules).count_all();
}

}  // namespace llama::internal
