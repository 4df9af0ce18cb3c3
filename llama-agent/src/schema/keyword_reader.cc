#include "keyword_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxPatterns = 256;

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 7> kTypeNames{{{"null", kNull},
                                                                               {"boolean", kBoolean},
                                                                               {"integer", kInteger},
                                                                               {"number", kNumber},
                                                                               {"string", kString},
                                                                               {"array", kArray},
                                                                               {"object", kObject}}};

}  // namespace

void KeywordReader::read_values(const SchemaJson& schema, SchemaNode& node, SchemaDraft draft) {
  if (schema.contains("type")) {
    const SchemaJson& type = schema["type"];
    node.types = 0;
    node.has_type = true;
    for (const auto& one : type.is_array() ? type : SchemaJson::array({type})) {
      if (!one.is_string()) return refuse("has a type that is no text");
      const auto name = one.get<std::string>();
      const auto* known = std::ranges::find(kTypeNames, name, &std::pair<std::string_view, std::uint8_t>::first);
      if (known == kTypeNames.end()) return refuse(std::format("has the unknown type '{}'", name));
      node.types |= known->second;
    }
    if (node.types == 0) return refuse("has a type without names");
    if (schema.value("nullable", SchemaJson(false)) == true) node.types |= kNull;  // OpenAPI's
  }
  if (schema.contains("enum")) {
    if (!schema["enum"].is_array() || schema["enum"].empty()) return refuse("has an enum without values");
    node.values.emplace(schema["enum"].begin(), schema["enum"].end());
  }
  if (schema.contains("const") && draft != SchemaDraft::Draft4) {
    const nlohmann::json constant = schema["const"];
    const bool is_listed = !node.values || std::ranges::any_of(*node.values, [&](const auto& value) {
      return nlohmann::json(value) == constant;
    });
    node.values.emplace();
    if (is_listed) node.values->push_back(schema["const"]);
  }
  if (node.values) node.sorted_values.assign(node.values->begin(), node.values->end());
  std::ranges::sort(node.sorted_values);
}

void KeywordReader::read_bounds(const SchemaJson& schema, SchemaNode& node) {
  for (const auto& [keyword, bound] :
       {std::pair{"minimum", &node.minimum}, std::pair{"maximum", &node.maximum},
        std::pair{"multipleOf", &node.multiple_of}, std::pair{"exclusiveMinimum", &node.exclusive_minimum},
        std::pair{"exclusiveMaximum", &node.exclusive_maximum}}) {
    if (!schema.contains(keyword)) continue;
    const SchemaJson& value = schema[keyword];
    if (value.is_boolean() && std::string_view(keyword).starts_with("exclusive")) continue;  // draft 4, below
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      return refuse(std::format("has a {} that is no number", keyword));
    *bound = value.get<double>();
  }
  if (node.multiple_of && *node.multiple_of <= 0) refuse("has a multipleOf that is not above 0");
  if (schema.value("exclusiveMinimum", SchemaJson(false)) == true) std::swap(node.minimum, node.exclusive_minimum);
  if (schema.value("exclusiveMaximum", SchemaJson(false)) == true) std::swap(node.maximum, node.exclusive_maximum);
}

std::optional<std::int64_t> KeywordReader::count(const SchemaJson& schema, const char* keyword) {
  if (!schema.contains(keyword)) return std::nullopt;
  const SchemaJson& value = schema[keyword];
  const double number = value.is_number() ? value.get<double>() : -1;
  if (number >= 0 && number == std::floor(number)) return static_cast<std::int64_t>(std::min(number, 9e15));
  refuse(std::format("has a {} that is no whole number in range", keyword));
  return std::nullopt;
}

void KeywordReader::read_text_rules(const SchemaJson& schema, SchemaNode& node) {
  node.min_length = count(schema, "minLength");
  node.max_length = count(schema, "maxLength");
  if (schema.contains("pattern")) {
    if (!schema["pattern"].is_string()) return refuse("has a pattern that is no text");
    node.pattern = pattern_of(schema["pattern"].get<std::string>(), node.place);
  }
  if (formats_are_rules_ && schema.contains("format") && schema["format"].is_string()) {
    const auto format = schema["format"].get<std::string>();
    auto& known = formats_[format];
    if (known == nullptr) known = pattern_of_format(format, work_);
    node.format = known;
    if (known == nullptr) node.unknown_format = format;
  }
}

std::shared_ptr<const Pattern> KeywordReader::pattern_of(const std::string& text, const std::string& place) {
  auto& known = patterns_[text];
  if (known != nullptr || wrong_) return known;
  if (patterns_.size() > kMaxPatterns) {
    refuse(std::format("has more than {} different patterns", kMaxPatterns));
    return nullptr;
  }
  auto pattern = Pattern::compile(text, work_);
  if (work_.is_over()) {
    refuse(
        std::format("has patterns that together would take too long to read: '{}' at {} is one too many", text, place));
    return nullptr;
  }
  if (!pattern) {
    refuse(std::format("has at {} the pattern '{}', which cannot be used: it has {}", place, text,
                       pattern.error().message));
    return nullptr;
  }
  return known = std::move(*pattern);
}

std::vector<std::string> KeywordReader::names(const SchemaJson& list, std::string_view keyword) {
  std::vector<std::string> all;
  std::set<std::string_view> known;  // of the list's own texts
  if (!list.is_array()) refuse(std::format("has a {} that is no list", keyword));
  for (const auto& name : list) {
    if (wrong_) break;
    if (!name.is_string()) {
      refuse(std::format("has a {} property that is no text", keyword));
    } else if (known.insert(name.get_ref<const std::string&>()).second) {
      all.push_back(name.get<std::string>());
    }
  }
  return all;
}

}  // namespace llama::internal
