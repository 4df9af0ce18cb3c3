// The rules of a grammar for one kind of value each: texts, arrays, objects.
//
// Shape    each takes the nodes that a value must all fit and gives sequences, one of which it is. None: there is no
//          such value.
#pragma once

#include <functional>
#include <map>
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
  GrammarRules rules{};
  SchemaRemarks remarks{};
  SchemaCheck check;                                       // of values and names that the schema itself lists
  std::function<std::size_t(SchemaSet)> rule_of_position;  // the rule of what must fit these
  std::size_t max_sets;                                    // of choices_of()
  std::size_t automaton_work;                              // of text_automaton(), in all
  std::map<std::string, std::size_t> class_rules{};        // of classes of characters that are long to write
};

using GrammarSequences = std::vector<GrammarRules::Sequence>;

[[nodiscard]] GrammarSequences text_sequences(const SchemaSet& nodes, GrammarMaking& making);
[[nodiscard]] GrammarSequences array_sequences(const SchemaSet& nodes, GrammarMaking& making);
[[nodiscard]] GrammarSequences object_sequences(const SchemaSet& nodes, GrammarMaking& making);

// A JSON text in quotes whose characters follow the automaton.
[[nodiscard]] GrammarSequences automaton_sequences(const TextAutomaton& automaton, GrammarMaking& making);

}  // namespace llama::internal
