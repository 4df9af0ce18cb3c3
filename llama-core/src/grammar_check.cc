#include "grammar_check.h"

#include <algorithm>
#include <cstddef>
#include <format>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar_reader.h"

namespace llama::internal {
namespace {

constexpr int kMaxRuleDepth = 1'000;
constexpr double kMaxBeginnings = 100'000;

// In how many ways something comes to its first character, and in how many it comes to its end without one.
struct Ways {
  double first = 0, none = 0;
  int depth = 0;  // of the rules on the way
};

class Counter {
 public:
  explicit Counter(const std::vector<GrammarRule>& rules) : rules_(rules), known_(rules.size()), open_(rules.size()) {}

  Result<void> count_all() {
    for (std::size_t i = 0; i < rules_.size() && !wrong_; ++i) static_cast<void>(count(i, 0));
    if (wrong_) return fail(ErrorCode::InvalidArgument, *wrong_);
    return {};
  }

 private:
  Ways count(std::size_t rule, int depth) {
    if (known_[rule]) return *known_[rule];
    if (wrong_) return {};
    if (open_[rule]) return refuse_recursion(rule);
    if (depth > kMaxRuleDepth) return refuse_depth();
    open_[rule] = true;
    Ways sum;
    for (const auto& sequence : rules_[rule].alternatives) {
      Ways ways{.first = 0, .none = 1, .depth = 0};
      for (const auto& symbol : sequence) {
        if (ways.none == 0) break;
        if (symbol.most == 0) continue;  // it is never there
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
      wrong_ = std::format("the grammar has a rule that can begin in more than {:.0f} ways: '{}'", kMaxBeginnings,
                           name_of(rule));
    }
    open_[rule] = false;
    known_[rule] = sum;
    return sum;
  }

  // llama.cpp sees that only where what may come before is a rule with an empty alternative, and does not return where
  // it is one that leads to such a rule.
  Ways refuse_recursion(std::size_t rule) {
    wrong_ = std::format("the grammar's rule '{}' begins with itself", name_of(rule));
    return {};
  }

  [[nodiscard]] std::string_view name_of(std::size_t rule) const {
    return rules_[rule].name.empty() ? "(…)" : std::string_view(rules_[rule].name);
  }

  Ways refuse_depth() {
    if (!wrong_) wrong_ = std::format("the grammar's rules lead to each other more than {} deep", kMaxRuleDepth);
    return {};
  }

  static Ways repeated(const Ways& once, const GrammarSymbol& symbol) {
    if (once.none == 0)
      return {.first = symbol.most > 0 ? once.first : 0, .none = symbol.least == 0 ? 1.0 : 0.0, .depth = 0};
    if (symbol.least == 1 && symbol.most == 1) return once;
    Ways ways;
    double power = 1;  // of once.none
    for (int k = 0; k <= std::min(symbol.most, 4096) && power <= kMaxBeginnings; ++k) {
      if (k >= symbol.least || symbol.most == kEndlessRepetitions) ways.none += power;
      if (k < symbol.most) ways.first += power * once.first;
      if (symbol.most == kEndlessRepetitions && k >= symbol.least) break;
      power *= once.none;
    }
    if (power > kMaxBeginnings) ways.none += power;
    return ways;
  }

  const std::vector<GrammarRule>& rules_;
  std::vector<std::optional<Ways>> known_;
  std::vector<bool> open_;
  std::optional<std::string> wrong_;
};

}  // namespace

Result<GrammarFacts> check_grammar(std::string_view gbnf) {
  const auto rules = read_grammar(gbnf);
  if (!rules) return std::unexpected(rules.error());
  if (auto counted = Counter(*rules).count_all(); !counted) return std::unexpected(counted.error());
  GrammarFacts facts;
  for (const GrammarRule& rule : *rules) {
    for (const GrammarSequence& sequence : rule.alternatives) {
      facts.names_tokens = facts.names_tokens || std::ranges::any_of(sequence, &GrammarSymbol::is_token);
    }
  }
  return facts;
}

}  // namespace llama::internal
