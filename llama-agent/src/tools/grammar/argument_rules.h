// Write the grammar rules of one tool's arguments.
//
// The rules' names begin with a prefix of the tool's own, so that many tools share one grammar; the rules that all
// grammars of JSON use (basic_grammar_rules()) are not among them.
// Cost     as SchemaBudget::read().
#pragma once

#include <string>
#include <string_view>

#include "../../schema/schema_budget.h"
#include "call_pattern.h"
#include "llama-base/error.h"

namespace llama::internal {

// The schema with the word that arguments are an object, whether it says so or not. "": any object.
//
// Errors   InvalidArgument: no JSON, too deep, or a schema of something else than an object.
[[nodiscard]] Result<std::string> argument_schema(std::string_view schema);

// A JSON object that fits the schema: rules from `prefix` + "-root" on. prefix: letters and digits.
//
// Errors   InvalidArgument: why the schema cannot be used. TimedOut, Cancelled: as SchemaBudget::read().
[[nodiscard]] Result<std::string> object_rules(std::string_view schema, std::string_view prefix, SchemaBudget& budget);

// One parameter after another, as the pattern writes them, in the schema's order; those that are not required may be
// missing. A parameter whose own schema cannot be used takes any value.
//
// Errors   InvalidArgument: it is no schema of an object that lists its properties. TimedOut, Cancelled.
[[nodiscard]] Result<std::string> parameter_rules(const CallPattern& pattern, std::string_view schema,
                                                  std::string_view prefix, SchemaBudget& budget);

// Any parameters: the rule "parameters". Texts without the closer: the rule "text0".
[[nodiscard]] std::string any_parameters_rules(const CallPattern& pattern);

}  // namespace llama::internal
