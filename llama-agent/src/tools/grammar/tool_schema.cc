#include "llama-agent/tool_schema.h"

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "argument_rules.h"
#include "llama-agent/json_schema.h"
#include "llama-base/json_shape.h"

namespace llama {
namespace {

std::unexpected<Error> wrong_call(std::string message) { return fail(ErrorCode::InvalidText, std::move(message)); }

Result<JsonSchema> schema_of_arguments(std::string_view schema, const std::stop_token& stop) {
  return internal::argument_schema(schema).and_then(
      [&](const std::string& text) { return JsonSchema::parse(text, {}, stop); });
}

}  // namespace

Result<void> check_tool_schema(std::string_view schema, const std::stop_token& stop) {
  const auto parsed = schema_of_arguments(schema, stop);
  if (!parsed) return std::unexpected(parsed.error());
  return {};
}

Result<void> validate_call(std::string_view schema, std::string_view arguments, const CallLimits& limits,
                           const std::stop_token& stop) {
  if (arguments.size() > limits.max_argument_bytes) {
    return wrong_call(std::format("the arguments have {} bytes, at most {} are possible", arguments.size(),
                                  limits.max_argument_bytes));
  }
  if (const int depth = internal::json_depth(arguments); depth > limits.max_argument_depth) {
    return wrong_call(
        std::format("the arguments are {} levels deep, at most {} are possible", depth, limits.max_argument_depth));
  }
  // The parser itself does not recurse; a value of 64 levels may be walked by what does.
  const auto value = nlohmann::json::parse(arguments, nullptr, false);
  if (value.is_discarded()) return wrong_call("the arguments are no complete JSON");
  if (!value.is_object()) return wrong_call("the arguments are no JSON object");
  const auto parsed = schema_of_arguments(schema, stop);
  if (!parsed && parsed.error().code == ErrorCode::Cancelled) return std::unexpected(parsed.error());
  if (!parsed) return {};
  return parsed->validate(arguments);
}

}  // namespace llama
