#include "protocol/mcp_json.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <vector>

namespace llama::internal {

namespace {

// take(c) for each character outside of strings.
template <class Take>
void for_each_outside_of_strings(std::string_view json, const Take& take) {
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (in_string && json[i] == '\\') {
      ++i;
    } else if (json[i] == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      take(json[i]);
    }
  }
}

}  // namespace

std::size_t nesting_depth(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  for_each_outside_of_strings(json, [&](char c) {
    if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  });
  return deepest;
}

std::size_t name_comparisons(std::string_view json) {
  std::size_t comparisons = 0;
  std::vector<std::size_t> names;  // of each object and array that is open
  for_each_outside_of_strings(json, [&](char c) {
    if (c == '{' || c == '[') {
      names.push_back(0);
    } else if ((c == '}' || c == ']') && !names.empty()) {
      names.pop_back();
    } else if (c == ':' && !names.empty()) {
      comparisons += names.back()++;
    }
  });
  return comparisons;
}

Result<nlohmann::ordered_json> parse_mcp_json(std::string_view text) {
  if (nesting_depth(text) > kMaxMcpDepth) {
    return fail(ErrorCode::InvalidArgument, std::format("JSON that is nested deeper than {} levels", kMaxMcpDepth));
  }
  if (name_comparisons(text) > kMaxNameComparisons) {
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
