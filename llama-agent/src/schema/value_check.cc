// The keywords of a schema that look at one value, its members and its items.
#include <algorithm>
#include <cmath>
#include <format>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "schema_check.h"

namespace llama::internal {
namespace {

constexpr double kMultipleTolerance = 1e-9;  // of a quotient: 0.0075 / 0.0001 is no whole number as doubles

std::uint8_t type_of(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return kNull;
    case nlohmann::json::value_t::boolean:
      return kBoolean;
    case nlohmann::json::value_t::string:
      return kString;
    case nlohmann::json::value_t::array:
      return kArray;
    case nlohmann::json::value_t::object:
      return kObject;
    case nlohmann::json::value_t::number_float: {
      const double number = value.get<double>();
      return std::isfinite(number) && number == std::floor(number) ? kInteger : kFraction;
    }
    default:
      return kInteger;
  }
}

std::int64_t characters_of(std::string_view text) {
  return std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0U) != 0x80; });
}

bool is_multiple(const nlohmann::json& value, double of) {
  if (value.is_number_integer() && of == std::floor(of) && std::abs(of) < 9e15) {
    const auto divisor = static_cast<std::int64_t>(of);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() % static_cast<std::uint64_t>(divisor) == 0
                                      : value.get<std::int64_t>() % divisor == 0;
  }
  const double quotient = value.get<double>() / of;
  return std::isfinite(quotient) &&
         std::abs(quotient - std::round(quotient)) <= kMultipleTolerance * std::max(1.0, std::abs(quotient));
}

// Sorted, equal ones are neighbours.
bool has_equal_items(const nlohmann::json& array) {
  std::vector<const nlohmann::json*> items;
  for (const auto& item : array) items.push_back(&item);
  std::ranges::sort(items, [](const auto* a, const auto* b) { return *a < *b; });
  return std::ranges::adjacent_find(items, [](const auto* a, const auto* b) { return *a == *b; }) != items.end();
}

}  // namespace

bool SchemaCheck::check_type_and_values(const SchemaNode& node, const Json& value) {
  constexpr std::size_t kWorkOfASearch = 10;
  if (node.values) work_.spend(kWorkOfASearch);
  if ((node.types & type_of(value)) == 0) return wrong(std::format("a {} may not stand here", value.type_name()));
  const bool is_allowed = !node.values || std::ranges::binary_search(node.sorted_values, value);
  return is_allowed || wrong("it is none of the values that are allowed");
}

bool SchemaCheck::check_number(const SchemaNode& node, const Json& value) {
  const double number = value.get<double>();
  if (node.minimum && number < *node.minimum) return wrong(std::format("it is below the minimum {}", *node.minimum));
  if (node.maximum && number > *node.maximum) return wrong(std::format("it is above the maximum {}", *node.maximum));
  if (node.exclusive_minimum && number <= *node.exclusive_minimum)
    return wrong(std::format("it is not above {}", *node.exclusive_minimum));
  if (node.exclusive_maximum && number >= *node.exclusive_maximum)
    return wrong(std::format("it is not below {}", *node.exclusive_maximum));
  if (node.multiple_of && !is_multiple(value, *node.multiple_of))
    return wrong(std::format("it is no multiple of {}", *node.multiple_of));
  return true;
}

bool SchemaCheck::check_text(const SchemaNode& node, const std::string& text) {
  if (node.min_length || node.max_length) {
    const std::int64_t length = characters_of(text);
    if (node.min_length && length < *node.min_length)
      return wrong(std::format("it is shorter than {} characters", *node.min_length));
    if (node.max_length && length > *node.max_length)
      return wrong(std::format("it is longer than {} characters", *node.max_length));
  }
  constexpr std::size_t kWorkOfAMatch = 30;
  if (node.pattern != nullptr || node.format != nullptr) work_.spend(kWorkOfAMatch + text.size() / 2);
  if (node.pattern != nullptr && !node.pattern->matches(text))
    return wrong(std::format("it does not match '{}'", node.pattern->text()));
  if (node.format != nullptr && !node.format->matches(text)) return wrong("it is not of the format");
  return true;
}

bool SchemaCheck::check_array(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  const auto size = static_cast<std::int64_t>(value.size());
  if (node.min_items && size < *node.min_items)
    return wrong(std::format("it has fewer than {} items", *node.min_items));
  if (node.max_items && size > *node.max_items) return wrong(std::format("it has more than {} items", *node.max_items));
  for (std::size_t i = 0; i < value.size(); ++i) {
    const SchemaNode* its = i < node.prefix_items.size() ? node.prefix_items[i] : node.items;
    if (its == nullptr) break;
    if (!check_below(*its, value[i], std::to_string(i))) return false;
    if (tree_.has_unevaluated) evaluated.add_item(i);
  }
  if (node.unique_items) {
    constexpr std::size_t kWorkOfAnItem = 100;  // to be put in order with the others
    work_.spend(kWorkOfAnItem * value.size());
    steps_ += value.size();
    if (has_equal_items(value)) return wrong("two of its items are the same");
  }
  return node.contains == nullptr || check_contains(node, value, evaluated);
}

bool SchemaCheck::check_contains(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  std::int64_t count = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!fits(*node.contains, value[i], nullptr)) continue;
    ++count;
    if (tree_.has_unevaluated && tree_.draft == SchemaDraft::Draft2020) evaluated.add_item(i);
  }
  if (count < node.min_contains.value_or(1)) return wrong("too few of its items are as 'contains' wants them");
  if (node.max_contains && count > *node.max_contains)
    return wrong("too many of its items are as 'contains' wants them");
  return true;
}

bool SchemaCheck::check_object(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  const auto size = static_cast<std::int64_t>(value.size());
  if (node.min_properties && size < *node.min_properties)
    return wrong(std::format("it has fewer than {} members", *node.min_properties));
  if (node.max_properties && size > *node.max_properties)
    return wrong(std::format("it has more than {} members", *node.max_properties));
  constexpr std::size_t kWorkOfALookUp = 8;
  work_.spend(kWorkOfALookUp * (node.required.size() + node.dependent_required.size()));
  for (const auto& name : node.required) {
    if (!value.contains(name)) return wrong(std::format("it lacks '{}'", name));
  }
  for (const auto& [name, others] : node.dependent_required) {
    if (!value.contains(name)) continue;
    work_.spend(kWorkOfALookUp * others.size());
    for (const auto& other : others) {
      if (!value.contains(other)) return wrong(std::format("it has '{}' and lacks '{}'", name, other));
    }
  }
  return check_members(node, value, evaluated);
}

bool SchemaCheck::check_members(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  // Of many properties most are not there.
  std::map<std::string_view, const SchemaNode*> listed;
  for (const auto& [name, its] : node.properties) {
    if (value.contains(name)) listed.emplace(name, its);
  }
  constexpr std::size_t kWorkOfAProperty = 10, kWorkOfAMatch = 30;
  work_.spend(kWorkOfAProperty * node.properties.size() +
              kWorkOfAMatch * value.size() * node.pattern_properties.size());
  steps_ += node.properties.size();
  if (listed.empty() && node.pattern_properties.empty() && node.additional_properties == nullptr &&
      node.property_names == nullptr)
    return true;
  for (const auto& [name, member] : value.items()) {
    bool is_known = false;
    const auto fits_it = [&](const SchemaNode& its) {
      is_known = true;
      return check_below(its, member, name);
    };
    if (node.property_names != nullptr && !fits(*node.property_names, Json(name), nullptr)) {
      return wrong(std::format("'{}' is no name that it may have", name));
    }
    if (const auto its = listed.find(name); its != listed.end() && !fits_it(*its->second)) return false;
    for (const auto& [pattern, its] : node.pattern_properties) {
      if (pattern->matches(name) && !fits_it(*its)) return false;
    }
    if (!is_known && node.additional_properties != nullptr) {
      if (node.additional_properties->allows_nothing) return wrong(std::format("it may not have '{}'", name));
      if (!fits_it(*node.additional_properties)) return false;
    }
    if (is_known && tree_.has_unevaluated) evaluated.names.insert(name);
  }
  return true;
}

}  // namespace llama::internal
