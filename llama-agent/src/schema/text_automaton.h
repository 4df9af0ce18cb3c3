// The texts that several regular expressions and a length allow, as one automaton.
//
// Each expression becomes states with steps for characters (Thompson). All of them are walked at once: a state of the
// result is what is possible in each of them after the same text, and how long that text is. So "matches both",
// "does not match" and "at most 10 characters" are all a question of where a text may end. States from which no text
// can end are left out, so that whoever follows the automaton never comes to a dead end. Few sets of characters lead
// from thousands of states to others, and may have hundreds of ranges: they stand apart from the states.
// Cost     a few ten nanoseconds per state and class of characters; at most kMaxTextStates states.
// Source   Thompson, Regular Expression Search Algorithm, 1968; Rabin and Scott, 1959 (the product).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "regular_expression.h"
#include "schema_work.h"

namespace llama::internal {

constexpr std::size_t kMaxTextStates = 4'000;

struct TextRule {
  const RegularExpression* expression;
  bool matches = true;  // somewhere in the text; false: nowhere
};

struct TextAutomaton {
  struct State {
    bool may_end = false;
    std::vector<std::pair<std::size_t, std::size_t>> steps{};  // by which of `sets`, and to which state
  };
  std::vector<State> states{};  // begins with the first; none: there is no such text
  std::vector<CodePoints> sets{};
};

// Shape    lengths in characters.
// Errors   nothing where it would be too large, or where the work is used up.
[[nodiscard]] std::optional<TextAutomaton> text_automaton(std::span<const TextRule> rules, std::int64_t least,
                                                          std::optional<std::int64_t> most, SchemaWork& work);

// An expression that matches exactly these texts.
[[nodiscard]] RegularExpression one_of(std::span<const std::string_view> texts);

}  // namespace llama::internal
