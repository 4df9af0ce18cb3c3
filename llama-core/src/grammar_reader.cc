#include "grammar_reader.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <functional>
#include <map>
#include <utility>

namespace llama::internal {
namespace {

constexpr int kMaxBracketDepth = 100;
constexpr double kMaxElements = 32'000'000;  // of 8 bytes each, and llama.cpp holds them three times over
constexpr int kMaxWrittenOut = 2'000;        // repetitions; llama.cpp takes more of what may be missing for endless

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class GrammarReader {
 public:
  explicit GrammarReader(std::string_view text) : text_(text) {}

  Result<std::vector<GrammarRule>> parse() {
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
      GrammarSequence sequence = parse_sequence(depth);
      rules_[rule].alternatives.push_back(std::move(sequence));
      if (wrong_ || peek() != '|') return;
      ++at_;
      skip_space(true);
    }
  }

  GrammarSequence parse_sequence(int depth) {
    GrammarSequence sequence;
    bool can_repeat = false;
    while (at_ < text_.size() && !wrong_) {
      const char c = peek();
      const std::size_t length = sequence.size();
      if (c == '"') {
        if (const double count = parse_characters(c); count > 0) sequence.push_back({.elements = count});
      } else if (c == '[') {
        sequence.push_back({.elements = parse_characters(']')});
      } else if (c == '.') {
        ++at_;
        sequence.push_back({});
      } else if (c == '<' || c == '!') {  // a token
        parse_token();
        sequence.push_back({.is_token = true});
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
    for (const GrammarSymbol& symbol : sequence) count_elements(written_in_place(symbol) + written_elsewhere(symbol));
    return sequence;
  }

  void parse_repetition(GrammarSymbol& symbol) {
    const char c = peek();
    ++at_;
    int least = c == '+' ? 1 : 0;
    int most = c == '?' ? 1 : kEndlessRepetitions;
    if (c == '{') {
      least = parse_number();
      most = least;
      if (peek() == ',') {
        ++at_;
        skip_space(true);
        most = is_digit(peek()) ? parse_number() : kEndlessRepetitions;
      }
      if (expect(peek() == '}', "'}' is missing")) ++at_;
      if (!expect(least <= most, "the repetitions end before they begin")) return;
    }
    // One behind another: what is repeated then is a repetition itself.
    if (symbol.least != 1 || symbol.most != 1) {
      rules_.push_back({.place = at_, .alternatives = {{symbol}}});
      count_elements(written_elsewhere(symbol));
      symbol = {.rule = rules_.size() - 1, .elements = written_in_place(symbol), .is_token = symbol.is_token};
    }
    symbol.least = least;
    symbol.most = most;
  }

  int parse_number() {
    skip_space(true);
    expect(is_digit(peek()), "a number is missing");
    std::int64_t number = 0;
    for (; is_digit(peek()); ++at_) number = std::min<std::int64_t>(kEndlessRepetitions, 10 * number + (peek() - '0'));
    skip_space(true);
    return static_cast<int>(number);
  }

  // What llama.cpp makes of a symbol: so much stands in its rule, and so much in rules that are made for what may be
  // missing.
  static double written_in_place(const GrammarSymbol& symbol) {
    return symbol.elements * symbol.least + (symbol.most > symbol.least ? 1 : 0);
  }
  static double written_elsewhere(const GrammarSymbol& symbol) {
    if (symbol.most == symbol.least) return 0;
    return (symbol.elements + 3) * (symbol.most > kMaxWrittenOut ? 1 : symbol.most - symbol.least);
  }

  void count_elements(double more) {
    elements_ += more;
    if (elements_ > kMaxElements)
      expect(false, std::format("written out, it has more than {:.0f} elements", kMaxElements));
  }

  // From the opening character to behind the closing one. How many characters stand between.
  double parse_characters(char closing) {
    double count = 0;
    for (++at_; peek() != closing; ++count) {
      if (!expect(at_ < text_.size(), closing == ']' ? "']' is missing" : "'\"' is missing")) return count;
      if (!parse_character()) return count;
    }
    ++at_;
    return count;
  }

  void parse_token() {
    const std::size_t end = text_.find('>', at_);
    if (!expect(end != std::string_view::npos, "'>' is missing")) return;
    at_ = end + 1;
  }

  bool parse_character() {
    if (peek() != '\\') {
      do ++at_;
      while ((static_cast<unsigned char>(peek()) & 0xc0) == 0x80);
      return true;
    }
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
  std::vector<GrammarRule> rules_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  double elements_ = 0;
};

}  // namespace

Result<std::vector<GrammarRule>> read_grammar(std::string_view gbnf) { return GrammarReader(gbnf).parse(); }

}  // namespace llama::internal
