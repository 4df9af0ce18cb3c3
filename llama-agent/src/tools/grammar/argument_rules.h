// Write the grammar rules of one tool's arguments.
//
// The rules' names begin with a prefix of the tool's own, so that many tools share one grammar; the rules that all
// grammars of JSON use (basic_grammar_rules()) are not among them.
// Cost     as JsonSchema::parse() the first time.
#pragma once

#include <string>
#include <string_view>

#include "call_shape.h"
#include "llama-base/error.h"

namespace llama::internal {

// The schema with the word that arguments are an object, whether it says so or not. "": any object.
//
// Errors   InvalidArgument: no JSON, too deep, or a schema of something else than an object.
[[nodiscard]] Result<std::string> argument_schema(std::string_view schema);

// A JSON object that fits the schema: rules from `prefix` + "-root" on. prefix: letters and digits.
//
// Errors   InvalidArgument: why the schema cannot be used.
[[nodiscard]] Result<std::string> object_rules(std::string_view schema, std::string_view prefix);

// One parameter after another, as the shape writes them, in the schema's order; those that are not required may be
// missing. A parameter whose own schema cannot be used takes any value.
//
// Errors   InvalidArgument: it is no schema of an object that lists its properties.
[[nodiscard]] Result<std::string> parameter_rules(const CallShape& shape, std::string_view schema,
                                                  std::string_view prefix);

// Any parameters: the rule "parameters". Texts without the closer: the rule "text0".
[[nodiscard]] std::string any_parameters_rules(const CallShape& shape);

}  // namespace llama::internal
