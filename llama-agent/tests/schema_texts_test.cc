// Regular expressions and bounds of numbers as grammars: what the automaton, the digits and RE2 each say is the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <format>
#include <functional>
#include <random>
#include <regex>

#include "../src/schema/number_grammar.h"
#include "../src/schema/pattern.h"
#include "../src/schema/text_automaton.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

bool follows(const TextAutomaton& automaton, std::string_view text) {
  if (automaton.states.empty()) return false;
  std::size_t state = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [character, length] = decode(text, at);
    at += length;
    const auto& steps = automaton.states[state].steps;
    const auto step =
        std::ranges::find_if(steps, [&](const auto& one) { return automaton.sets[one.first].contains(character); });
    if (step == steps.end()) return false;
    state = step->second;
  }
  return automaton.states[state].may_end;
}

struct PatternRow {
  const char* pattern;
  std::vector<const char*> matching, others;
};

const std::array kPatternRows{
    PatternRow{R"(^[A-Z]{2}\-\d{3}$)", {"AB-123"}, {"AB123", "ab-123", "AB-1234", "xAB-123"}},
    PatternRow{"a+", {"a", "bab", "aaa"}, {"", "b"}},
    PatternRow{"^a|b$", {"ax", "xb", "a"}, {"xa", "bx", ""}},
    PatternRow{"^(?:a|bc)*?$", {"", "abca"}, {"b", "cb"}},
    PatternRow{"^(?<year>\\d{4})$", {"2026"}, {"202"}},
    PatternRow{"^.$", {"a", "é", "😀"}, {"", "ab", "\n"}},
    PatternRow{"^[^a-c]$", {"d", "\n"}, {"a", "b"}},
    PatternRow{R"(^\u00e9\x41\u{1F600}$)", {"éA😀"}, {"eA"}},
    PatternRow{R"(^\ud83d\ude00$)", {"😀"}, {"😁"}},
    PatternRow{R"(^[\w.-]+@\w+$)", {"a.b-c@d"}, {"a b@c", "@c"}},
    PatternRow{R"(\bcat\b)", {"cat", "a cat!"}, {"cats", "scat"}},
    PatternRow{R"(^\Bx)", {}, {"x", "ax"}},
    PatternRow{R"(^\s\S$)", {" a", "\u00a0b", "\tc"}, {"ab", "  "}},
    PatternRow{R"(^\p{Lu}\P{L}$)", {"A1", "É-"}, {"aA", "AA"}},
    PatternRow{R"(^\cJ$)", {"\n"}, {"J"}},
    PatternRow{"^a{2,}$", {"aa", "aaaa"}, {"a"}},
    PatternRow{"^a{,2}$", {"a{,2}"}, {"aa"}},
    PatternRow{"^(a{2}|b){2}$", {"aaaa", "aab", "bb"}, {"ab", "aaa"}},
    PatternRow{"$^", {""}, {"a"}},
    PatternRow{"^[]$", {}, {"", "a"}},
    PatternRow{"^[^]$", {"a", "\n"}, {"", "ab"}},
};

TEST(RegularExpression, MatchesTheSameAsAnAutomatonAndByRe2) {
  for (const auto& row : kPatternRows) {
    SchemaWork work;
    const auto pattern = Pattern::compile(row.pattern, work);
    ASSERT_TRUE(pattern) << row.pattern << ": " << pattern.error().message;
    const TextRule rule{&(*pattern)->expression()};
    const auto automaton = text_automaton(std::span(&rule, 1), 0, std::nullopt, work);
    ASSERT_TRUE(automaton) << row.pattern;
    for (const auto* text : row.matching) {
      EXPECT_TRUE((*pattern)->matches(text)) << row.pattern << " " << text;
      EXPECT_TRUE(follows(*automaton, text)) << row.pattern << " " << text;
    }
    for (const auto* text : row.others) {
      EXPECT_FALSE((*pattern)->matches(text)) << row.pattern << " " << text;
      EXPECT_FALSE(follows(*automaton, text)) << row.pattern << " " << text;
    }
  }
}

// Random expressions of a small alphabet against the standard library's engine, on all texts of up to five characters.
TEST(RegularExpression, MatchesAsTheStandardLibraryDoes) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::function<std::string(int)> expression = [&](int depth) -> std::string {
    const std::string atom = depth == 0 || pick(3) > 0
                                 ? std::string(std::array{"a", "b", "[ab]", "."}[static_cast<std::size_t>(pick(4))])
                                 : "(?:" + expression(depth - 1) + "|" + expression(depth - 1) + ")";
    const std::string one =
        atom + std::array{"", "", "*", "+", "?", "{2}", "{1,2}", "*?"}[static_cast<std::size_t>(pick(8))];
    return pick(2) == 0 || depth == 0 ? one : one + expression(depth - 1);
  };
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < 5; ++i)
    texts.push_back(texts[i] + "a"), texts.push_back(texts[i] + "b");
  for (int i = 0; i < 60; ++i) {
    const std::string text = std::array{"", "^"}[static_cast<std::size_t>(pick(2))] + expression(2) +
                             std::array{"", "$"}[static_cast<std::size_t>(pick(2))];
    const std::regex theirs(text);
    SchemaWork work;
    const auto ours = Pattern::compile(text, work);
    ASSERT_TRUE(ours) << text;
    const TextRule rule{&(*ours)->expression()};
    const auto automaton = text_automaton(std::span(&rule, 1), 0, std::nullopt, work);
    ASSERT_TRUE(automaton);
    for (const auto& one : texts) {
      const bool expected = std::regex_search(one, theirs);
      EXPECT_EQ((*ours)->matches(one), expected) << text << " " << one;
      EXPECT_EQ(follows(*automaton, one), expected) << text << " " << one;
    }
  }
}

// Repetitions that are written in blocks for RE2.
TEST(RegularExpression, CountsThousandsOfRepetitions) {
  for (const auto& [least, most] :
       {std::pair{0, 1001}, std::pair{3, 2500}, std::pair{1500, 3000}, std::pair{7, 1030}}) {
    SchemaWork work;
    const auto pattern = Pattern::compile(std::format("^(?:ab?){{{},{}}}$", least, most), work);
    ASSERT_TRUE(pattern) << pattern.error().message;
    for (const int count : {0,    1,    2,    3,    6,    7,    500,  999,  1000, 1001, 1002, 1029,
                            1030, 1031, 1499, 1500, 1777, 2499, 2500, 2501, 2999, 3000, 3001}) {
      std::string text;
      for (int i = 0; i < count; ++i) text += i % 3 == 0 ? "ab" : "a";
      EXPECT_EQ((*pattern)->matches(text), least <= count && count <= most) << least << " " << most << " " << count;
    }
  }
}

TEST(RegularExpression, RefusesWhatIsNone) {
  SchemaWork work;
  for (const auto* text : {"(", ")", "[a", "a**", "*", "(?i)a", "\\", "[b-a]", "a{3,2}", "\\k<a>", "\\p{Nothing}",
                           "\\u12", "\\a", "\\Z"}) {
    EXPECT_FALSE(Pattern::compile(text, work)) << text;
  }
  EXPECT_FALSE(Pattern::compile(std::string(5000, '(') + std::string(5000, ')'), work));
}

TEST(TextAutomaton, CombinesExpressionsAndLengths) {
  SchemaWork work;
  const auto word = parse_regular_expression("^[a-z]+$", work).value();
  const auto has_x = parse_regular_expression("x", work).value();
  const std::array rules{TextRule{&word}, TextRule{&has_x, false}};
  const auto automaton = text_automaton(rules, 2, 3, work);
  ASSERT_TRUE(automaton);
  for (const auto* text : {"ab", "abc"}) EXPECT_TRUE(follows(*automaton, text)) << text;
  for (const auto* text : {"a", "abcd", "ax", "A"}) EXPECT_FALSE(follows(*automaton, text)) << text;
  const std::array contradiction{TextRule{&word}, TextRule{&word, false}};
  EXPECT_TRUE(text_automaton(contradiction, 0, std::nullopt, work)->states.empty());
}

TEST(TextAutomaton, GivesUpWhereItWouldBeTooLarge) {
  SchemaWork work;
  const auto large = parse_regular_expression("(a|b)*a(a|b){20}$", work).value();
  const TextRule rule{&large};
  EXPECT_FALSE(text_automaton(std::span(&rule, 1), 0, std::nullopt, work));
  EXPECT_FALSE(work.is_over());
  SchemaWork little = work.share(10);
  EXPECT_FALSE(text_automaton(std::span(&rule, 1), 0, std::nullopt, little));
  EXPECT_TRUE(little.is_over());
}

// A grammar's digits as a regular expression: the standard library reads both spellings but for blanks and quotes.
std::regex as_regex(std::string gbnf) {
  std::string text;
  for (std::size_t i = 0; i < gbnf.size(); ++i) {
    if (gbnf[i] == ' ') continue;
    if (gbnf[i] == '"') {
      for (++i; gbnf[i] != '"'; ++i) text += gbnf[i] == '.' ? std::string("\\.") : std::string(1, gbnf[i]);
    } else if (gbnf.compare(i, 7, "natural") == 0) {
      text += "(0|[1-9][0-9]{0,14})", i += 6;
    } else if (gbnf.compare(i, 7, "integer") == 0) {
      text += "-?(0|[1-9][0-9]{0,14})", i += 6;
    } else {
      text += gbnf[i];
    }
  }
  return std::regex(text);
}

TEST(NumberGrammar, AllowsTheNumbersBetweenTheBounds) {
  std::mt19937 random(11);
  const std::array bounds{-120.0, -99.5, -10.0, -3.25, -1.0, -0.5,  0.0,   0.2,   0.75,
                          1.0,    9.0,   10.0,  12.5,  99.0, 100.0, 472.0, 1000.0};
  std::vector<std::string> numbers{"0",   "-0.5",  "0.20",  "0.2001", "0.1999", "12.5", "12.51",    "12.49",
                                   "472", "472.0", "-3.25", "-3.250", "-3.26",  "0.75", "0.7500001"};
  for (int i = 0; i < 100; ++i) {
    const int scale = static_cast<int>(random() % 4);
    numbers.push_back(std::format("{:.{}f}", static_cast<double>(random() % 2'400'000) / 1000 - 1200, scale));
    numbers.push_back(std::format("{:.{}f}", static_cast<double>(random() % 3000) / 1000 - 1.5, scale));
  }
  std::erase_if(numbers, [](const auto& n) { return n.starts_with("-0") && std::stod(n) == 0; });
  for (int i = 0; i < 150; ++i) {
    const auto bound = [&]() -> std::optional<NumberBound> {
      if (random() % 4 == 0) return std::nullopt;
      return NumberBound{bounds[random() % bounds.size()], random() % 2 == 0};
    };
    const auto low = bound(), high = bound();
    if (!low && !high) continue;
    const auto decimals = numbers_between(low, high), integers = integers_between(low, high);
    ASSERT_TRUE(decimals && integers);
    const auto allowed = [&](double v) {
      return (!low || v > low->value || (low->belongs && v == low->value)) &&
             (!high || v < high->value || (high->belongs && v == high->value));
    };
    const auto words = [&] {
      return std::format("{}{} to {}{}", low ? low->value : -1e9, low && low->belongs ? "=" : "",
                         high ? high->value : 1e9, high && high->belongs ? "=" : "");
    };
    const std::regex decimal = as_regex(decimals->empty() ? "x" : *decimals),
                     integer = as_regex(integers->empty() ? "x" : *integers);
    for (const auto& number : numbers) {
      const double value = std::stod(number);
      EXPECT_EQ(std::regex_match(number, decimal), allowed(value)) << number << " in " << words();
      if (!number.contains('.')) {
        EXPECT_EQ(std::regex_match(number, integer), allowed(value)) << number << " in " << words();
      }
    }
  }
}

}  // namespace
}  // namespace llama::internal
