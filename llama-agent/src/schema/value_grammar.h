// The rules of a grammar for one kind of value each: texts, arrays, objects.
//
// Shape    each takes the nodes that a value must all fit and gives sequences, one of which it is. None: there is no
//          such value.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "grammar_rules.h"
#include "schema_check.h"
#include "schema_choices.h"
#include "schema_grammar.h"
#include "schema_remarks.h"
#include "text_automaton.h"

namespace llama::internal {

struct GrammarMaking {
  const SchemaTree& tree;
  SchemaHabits habits;
  SchemaWork& work;
  SchemaWork automaton_work;  // a share of it
  GrammarRules rules{work};
  SchemaRemarks remarks{};
  SchemaCheck check;                                        // of values and names that the schema itself lists
  std::function<std::size_t(SchemaSet)> rule_of_position;   // the rule of what must fit these
  std::map<std::string, std::size_t> class_rules{};         // of classes of characters that are long to write
  std::map<std::vector<std::string>, std::size_t> lists{};  // the rules of lists of values that are long
};

using GrammarSequences = std::vector<GrammarRules::Sequence>;

[[nodiscard]] GrammarSequences text_sequences(const SchemaSet& nodes, GrammarMaking& making);
[[nodiscard]] GrammarSequences array_sequences(const SchemaSet& nodes, GrammarMaking& making);
[[nodiscard]] GrammarSequences object_sequences(const SchemaSet& nodes, GrammarMaking& making);

// One of these texts, as they stand.
[[nodiscard]] GrammarSequences listed_sequences(std::vector<std::string> texts, GrammarMaking& making);

// A JSON text in quotes whose characters are what the expressions and the length allow.
//
// Errors   nothing where the automaton, or what it would add to the rules, would be too large.
[[nodiscard]] std::optional<GrammarSequences> automaton_sequences(std::span<const TextRule> rules, std::int64_t least,
                                                                  std::optional<std::int64_t> most,
                                                                  GrammarMaking& making);

}  // namespace llama::internal
