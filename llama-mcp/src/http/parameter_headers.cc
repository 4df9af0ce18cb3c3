#include "http/parameter_headers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "protocol/mcp_json.h"
#include "protocol/one_line.h"

namespace llama::internal {
namespace {

constexpr const char* kAnnotation = "x-mcp-header";
constexpr std::string_view kEncodedBegin = "=?base64?", kEncodedEnd = "?=";
constexpr std::size_t kShownAnnotation = 40;
constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;  // what every JSON reader keeps

std::string base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
      return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i > bytes.size() ? '=' : kLetters[group >> (18 - 6 * i) & 63];
    }
  }
  return text;
}

bool is_header_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c)));
  });
}

std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Walks a schema. Only a chain of "properties" leads to an argument that is surely there; an annotation anywhere else
// (in "items", "oneOf", "$defs", …) makes the tool unusable, so everything is looked at. What stands in "enum",
// "const", "default" or "examples" is data, no schema.
class AnnotationWalk {
 public:
  std::vector<ParameterHeader> found;

  [[nodiscard]] std::optional<std::string> visit(const nlohmann::ordered_json& schema, bool is_reachable) {
    if (schema.is_array()) {
      for (const auto& each : schema) {
        if (auto fault = visit(each, false)) return fault;
      }
      return {};
    }
    if (!schema.is_object()) return {};
    if (schema.contains(kAnnotation)) {
      if (auto fault = take(schema, is_reachable && !path_.empty())) return fault;
    }
    for (const auto& [key, value] : schema.items()) {
      if (key == "properties") {
        if (auto fault = visit_named(value, is_reachable)) return fault;
      } else if (key == "patternProperties" || key == "dependentSchemas" || key == "$defs" || key == "definitions") {
        if (auto fault = visit_named(value, false)) return fault;
      } else if (key != "enum" && key != "const" && key != "default" && key != "examples" && key != "example") {
        if (auto fault = visit(value, false)) return fault;
      }
    }
    return {};
  }

 private:
  [[nodiscard]] std::optional<std::string> visit_named(const nlohmann::ordered_json& schemas, bool is_reachable) {
    if (!schemas.is_object()) return {};
    for (const auto& [name, schema] : schemas.items()) {
      path_.push_back(name);
      auto fault = visit(schema, is_reachable);
      path_.pop_back();
      if (fault) return fault;
    }
    return {};
  }

  [[nodiscard]] std::optional<std::string> take(const nlohmann::ordered_json& schema, bool is_reachable) {
    const auto& annotation = schema[kAnnotation];
    const std::string where = path_.empty() ? std::string("its schema") : "'" + one_line(path_.back()) + "'";
    if (!is_reachable) return std::format("{} has an {} where no argument is", where, kAnnotation);
    const std::string name = annotation.is_string() ? annotation.get<std::string>() : std::string();
    if (!is_header_token(name)) {
      return std::format("the {} of {} is no header's name: '{}'", kAnnotation, where,
                         first_part(one_line(name), kShownAnnotation));
    }
    const std::string type = text_member(schema, "type");
    if (type != "string" && type != "integer" && type != "boolean") {
      return std::format("the {} of {} is not on a text, a whole number or a boolean", kAnnotation, where);
    }
    if (!names_.insert(in_lower_case(name)).second) {
      return std::format("the {} '{}' stands there twice", kAnnotation, first_part(name, kShownAnnotation));
    }
    found.push_back({.path = path_, .name = "Mcp-Param-" + name});
    return {};
  }

  std::vector<std::string> path_;
  std::set<std::string> names_;
};

std::optional<std::string> argument_text(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxSafeInteger)) return {};
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (number < -kMaxSafeInteger || number > kMaxSafeInteger) return {};
    return std::to_string(number);
  }
  if (!value.is_number_float()) return {};
  const double number = value.get<double>();
  if (const auto whole = static_cast<double>(kMaxSafeInteger); number >= -whole && number <= whole) {
    if (const auto rounded = static_cast<std::int64_t>(number); static_cast<double>(rounded) == number) {
      return std::to_string(rounded);  // 42.0 is the whole number 42
    }
  }
  return to_text(value);
}

}  // namespace

Result<std::vector<ParameterHeader>> parameter_headers_of(std::string_view input_schema) {
  const auto schema = parse_mcp_json(input_schema);
  if (!schema) return std::unexpected(schema.error());
  AnnotationWalk walk;
  if (auto fault = walk.visit(*schema, true)) return fail(ErrorCode::InvalidArgument, *fault);
  return std::move(walk.found);
}

std::vector<HttpHeader> headers_for_arguments(const std::vector<ParameterHeader>& parameters,
                                              const nlohmann::ordered_json& arguments) {
  std::vector<HttpHeader> headers;
  for (const auto& each : parameters) {
    const nlohmann::ordered_json* value = &arguments;
    for (const auto& name : each.path) value = &member(*value, name.c_str());
    if (auto text = argument_text(*value)) headers.push_back({each.name, header_value(*text)});
  }
  return headers;
}

std::string header_value(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool is_plain = !text.empty() && !is_blank(text.front()) && !is_blank(text.back()) &&
                        !(text.starts_with(kEncodedBegin) && text.ends_with(kEncodedEnd)) &&
                        std::ranges::all_of(text, [](char c) { return c == '\t' || (c >= 0x20 && c <= 0x7e); });
  return is_plain ? std::string(text) : std::format("{}{}{}", kEncodedBegin, base64(text), kEncodedEnd);
}

}  // namespace llama::internal
