// Read the protocol's JSON without trusting it: a wrong type reads as nothing, and nothing is nested deeper or has more
// members than a limit.
//
// nlohmann's parser needs no stack for depth, but its printer recurses; a schema of 100,000 brackets would end the
// program. And an object that keeps its members' order looks each new name up among all of those before it: 300,000
// members would take minutes. So both are checked in the text, before it is parsed.
// Threads  values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "llama-base/error.h"

namespace llama::internal {

// Errors   InvalidArgument: no JSON, nested too deep, or too many members. The text is not in the message.
[[nodiscard]] Result<nlohmann::ordered_json> parse_mcp_json(std::string_view text);
// The same for what a caller gives: a JSON object, or "" for an empty one.
[[nodiscard]] Result<nlohmann::ordered_json> parse_object(std::string_view what, std::string_view text);

[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);

// A member of an object; what is not there, or of another type, is empty. `object` may be anything.
[[nodiscard]] const nlohmann::ordered_json& member(const nlohmann::ordered_json& object, const char* key);  // null
[[nodiscard]] const nlohmann::ordered_json& object_member(const nlohmann::ordered_json& object, const char* key);  // {}
[[nodiscard]] const nlohmann::ordered_json& array_member(const nlohmann::ordered_json& object, const char* key);   // []
[[nodiscard]] std::string text_member(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] std::optional<bool> bool_member(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] std::optional<double> number_member(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] std::optional<std::int64_t> integer_member(const nlohmann::ordered_json& object, const char* key);

}  // namespace llama::internal
