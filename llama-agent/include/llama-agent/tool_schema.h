// Hold the arguments of a call to the tool's JSON Schema, in words that a model can act on.
//
// The schema is of 2020-12 where "$schema" does not say otherwise. References that leave the schema are not followed. A
// schema that cannot be used is a reason not to validate, and none to refuse a call.
//
// Threads  any number at once.
// Cost     as JsonSchema::parse() the first time, then as JsonSchema::validate().
#pragma once

#include <cstddef>
#include <stop_token>
#include <string_view>

#include "llama-base/error.h"

namespace llama {

struct CallLimits {
  std::size_t max_argument_bytes = 1'000'000;
  int max_argument_depth = 64;  // of brackets
};

// Can arguments be held to this schema? "": there is none, and any object will do.
//
// Errors   InvalidArgument: why not ("the JSON schema …"): for people, once. Cancelled: while it was read.
[[nodiscard]] Result<void> check_tool_schema(std::string_view schema, const std::stop_token& stop = {});

// Arguments: JSON text. Where check_tool_schema() has an error, only what needs no schema is looked at: that they are
// one JSON object within the limits.
//
// Errors   InvalidText: what is wrong, in one line for the model. Cancelled: while the schema was read.
[[nodiscard]] Result<void> validate_call(std::string_view schema, std::string_view arguments,
                                         const CallLimits& limits = {}, const std::stop_token& stop = {});

}  // namespace llama
