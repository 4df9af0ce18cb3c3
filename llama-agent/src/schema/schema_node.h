// A JSON schema as it is used: one node per subschema, references resolved, regular expressions compiled.
//
// The grammar and the check both walk these nodes and nothing else, so that they cannot read a keyword differently.
// Threads  immutable once read: any number at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pattern.h"

namespace llama::internal {

enum class SchemaDraft : std::uint8_t { Draft4, Draft6, Draft7, Draft2019, Draft2020 };

// The types of JSON Schema, as bits. A number without a fraction is an integer, also where it is written 1.0.
inline constexpr std::uint8_t kNull = 1;
inline constexpr std::uint8_t kBoolean = 2;
inline constexpr std::uint8_t kInteger = 4;
inline constexpr std::uint8_t kFraction = 8;
inline constexpr std::uint8_t kString = 16;
inline constexpr std::uint8_t kArray = 32;
inline constexpr std::uint8_t kObject = 64;
inline constexpr std::uint8_t kNumber = kInteger | kFraction;
inline constexpr std::uint8_t kAnyType = 127;

struct SchemaNode {
  using Patterns = std::shared_ptr<const Pattern>;

  std::string place{};       // "#/properties/a"
  std::size_t resource = 0;  // which "$id" it lies in
  bool allows_nothing = false;

  std::uint8_t types = kAnyType;
  bool has_type = false;
  std::optional<std::vector<nlohmann::ordered_json>> values{};  // const, enum
  std::vector<nlohmann::json> sorted_values{};  // the same ones; the order of their names does not count

  std::optional<double> minimum{}, exclusive_minimum{}, maximum{}, exclusive_maximum{}, multiple_of{};

  std::optional<std::int64_t> min_length{}, max_length{};
  Patterns pattern{}, format{};
  std::string unknown_format{};

  std::vector<const SchemaNode*> prefix_items{};
  const SchemaNode* items = nullptr;  // those after the prefix
  const SchemaNode* contains = nullptr;
  const SchemaNode* unevaluated_items = nullptr;
  std::optional<std::int64_t> min_items{}, max_items{}, min_contains{}, max_contains{};
  bool unique_items = false;

  std::vector<std::pair<std::string, const SchemaNode*>> properties{};
  std::map<std::string, const SchemaNode*, std::less<>> properties_by_name{};
  std::vector<std::pair<Patterns, const SchemaNode*>> pattern_properties{};
  const SchemaNode* additional_properties = nullptr;
  const SchemaNode* property_names = nullptr;
  const SchemaNode* unevaluated_properties = nullptr;
  std::vector<std::string> required{};
  std::optional<std::int64_t> min_properties{}, max_properties{};
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required{};
  std::vector<std::pair<std::string, const SchemaNode*>> dependent_schemas{};

  std::vector<const SchemaNode*> all_of{}, any_of{}, one_of{};
  const SchemaNode* not_schema = nullptr;
  const SchemaNode* if_schema = nullptr;
  const SchemaNode* then_schema = nullptr;
  const SchemaNode* else_schema = nullptr;

  const SchemaNode* reference = nullptr;
  // $dynamicRef, $recursiveRef: where the outermost resource on the way has this dynamic anchor, it is meant instead.
  const SchemaNode* dynamic_reference = nullptr;
  std::string dynamic_anchor{};  // "": `dynamic_reference` is an ordinary one

  // Are there other schemas that the same value must fit, or may?
  [[nodiscard]] bool has_applicators() const {
    return !all_of.empty() || !any_of.empty() || !one_of.empty() || not_schema != nullptr || if_schema != nullptr ||
           reference != nullptr || dynamic_reference != nullptr || !dependent_schemas.empty();
  }
  [[nodiscard]] const SchemaNode* property(std::string_view name) const {
    const auto found = properties_by_name.find(name);
    return found == properties_by_name.end() ? nullptr : found->second;
  }
};

// All nodes of one schema.
struct SchemaTree {
  std::vector<std::unique_ptr<SchemaNode>> nodes{};
  const SchemaNode* root = nullptr;
  SchemaDraft draft = SchemaDraft::Draft2020;
  bool has_unevaluated = false;
  bool has_dynamic_references = false;
  // Of each resource: its dynamic anchors.
  std::vector<std::map<std::string, const SchemaNode*, std::less<>>> dynamic_anchors{};
  // By the name of a dynamic anchor: the nodes of all resources that have it.
  std::map<std::string, std::vector<const SchemaNode*>, std::less<>> anchored{};
};

}  // namespace llama::internal
