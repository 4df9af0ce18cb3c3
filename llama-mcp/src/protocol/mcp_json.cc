#include "protocol/mcp_json.h"

#include <format>
#include <nlohmann/json.hpp>

#include "llama-base/json_shape.h"

namespace llama::internal {

Result<nlohmann::ordered_json> parse_mcp_json(std::string_view text) {
  if (json_depth(text) > kMaxJsonDepth) {
    return fail(ErrorCode::InvalidArgument, std::format("JSON that is nested deeper than {} levels", kMaxJsonDepth));
  }
  if (json_member_comparisons(text) > kMaxMemberComparisons) {
    return fail(ErrorCode::InvalidArgument, "JSON with an object of more than 10,000 members, or with many large ones");
  }
  auto value = nlohmann::ordered_json::parse(text, nullptr, false);
  if (value.is_discarded()) return fail(ErrorCode::InvalidArgument, "no JSON");
  return value;
}

Result<nlohmann::ordered_json> parse_object(std::string_view what, std::string_view text) {
  if (text.empty()) return nlohmann::ordered_json::object();
  auto value = parse_mcp_json(text);
  if (!value) return fail(ErrorCode::InvalidArgument, std::format("{}: {}", what, value.error().message));
  if (!value->is_object()) return fail(ErrorCode::InvalidArgument, std::format("{}: no JSON object", what));
  return value;
}

std::string to_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

const nlohmann::ordered_json& member(const nlohmann::ordered_json& object, const char* key) {
  static const nlohmann::ordered_json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

const nlohmann::ordered_json& object_member(const nlohmann::ordered_json& object, const char* key) {
  static const nlohmann::ordered_json kEmpty = nlohmann::ordered_json::object();
  const auto& value = member(object, key);
  return value.is_object() ? value : kEmpty;
}

const nlohmann::ordered_json& array_member(const nlohmann::ordered_json& object, const char* key) {
  static const nlohmann::ordered_json kEmpty = nlohmann::ordered_json::array();
  const auto& value = member(object, key);
  return value.is_array() ? value : kEmpty;
}

std::string text_member(const nlohmann::ordered_json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

std::optional<bool> bool_member(const nlohmann::ordered_json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_boolean() ? std::optional(value.get<bool>()) : std::nullopt;
}

std::optional<double> number_member(const nlohmann::ordered_json& object, const char* key) {
  const auto& value = member(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::optional<std::int64_t> integer_member(const nlohmann::ordered_json& object, const char* key) {
  const auto& value = member(object, key);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return {};
  return value.is_number_integer() ? std::optional(value.get<std::int64_t>()) : std::nullopt;
}

}  // namespace llama::internal
