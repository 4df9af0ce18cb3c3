// Write the grammar of a JSON schema's documents.
//
// Each position of a document is the set of schemas that its value must fit (schema_choices.h); each set has one rule.
// What the grammar cannot say is left out, so that it allows more than the schema and never less, and is told. Names
// come in the schema's order.
// Cost     at most kMaxGrammarRules rules and kMaxGrammarBytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "schema_node.h"
#include "schema_work.h"

namespace llama::internal {

constexpr std::size_t kMaxGrammarRules = 20'000;
constexpr std::size_t kMaxGrammarBytes = 1 << 20;  // llama-core reads no more

struct SchemaGrammar {
  std::string gbnf;
  std::vector<std::string> unenforced;  // "uniqueItems at #/properties/a"
};

// What people leave out of a schema and mean all the same. Exact: nothing of that.
enum class SchemaHabits : std::uint8_t {
  Usual,  // properties without additionalProperties: no others. Keywords of one type without "type": that type
  Exact,
};

// What every grammar ends with: white space, strings, numbers, any object, array and value.
[[nodiscard]] std::string_view basic_grammar_rules();

// Errors   InvalidArgument: no document fits; too large a grammar, or more than the work that is left.
[[nodiscard]] Result<SchemaGrammar> grammar_of(const SchemaTree& tree, SchemaHabits habits, SchemaWork& work);

}  // namespace llama::internal
