#include "schema_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "keyword_reader.h"
#include "schema_cycles.h"
#include "schema_place.h"
#include "schema_references.h"

namespace llama::internal {
namespace {

using SchemaJson = nlohmann::ordered_json;

constexpr int kMaxSchemaDepth = 64;
constexpr std::size_t kMaxIdentifierBytes = 4'096;

class SchemaReader : private KeywordReader {
 public:
  SchemaReader(const SchemaJson& root, const SchemaReading& reading, SchemaWork& work)
      : KeywordReader(reading.formats, work), root_(root), reading_(reading) {}

  Result<SchemaTree> read() {
    choose_draft();
    references_.emplace(tree_, work_);
    SchemaNode* root =
        wrong_ ? nullptr : node_of(root_, {.place = "#", .resource = references_->add_resource("", root_)});
    tree_.root = root;
    // What a reference leads to may be read for it alone, and have references of its own.
    while (!wrong_ && !unresolved_.empty()) {
      const auto reference = std::move(unresolved_.back());
      unresolved_.pop_back();
      resolve(reference);
    }
    for (const auto& anchors : tree_.dynamic_anchors) {
      for (const auto& [name, node] : anchors) tree_.anchored[name].push_back(node);
    }
    if (!wrong_) {
      for (const auto& node : tree_.nodes) simplify(*node);
      if (auto itself = reference_to_itself(tree_))
        wrong_ = std::format("refers to itself at {} without an end", *itself);
    }
    if (wrong_) return fail(ErrorCode::InvalidArgument, "the JSON schema " + *wrong_);
    return std::move(tree_);
  }

 private:
  struct Context {
    std::string place;
    std::size_t resource;
    int depth = 0;
  };
  struct Unresolved {
    SchemaNode* node;
    std::string keyword, text;
  };

  void choose_draft() {
    tree_.draft = reading_.draft.value_or(SchemaDraft::Draft2020);
    if (!root_.is_object() || !root_.contains("$schema")) return;
    const std::string name = root_["$schema"].is_string() ? root_["$schema"].get<std::string>() : "";
    constexpr std::array<std::pair<std::string_view, SchemaDraft>, 6> kDrafts{
        {{"json-schema.org/draft-04/", SchemaDraft::Draft4},
         {"json-schema.org/draft-06/", SchemaDraft::Draft6},
         {"json-schema.org/draft-07/", SchemaDraft::Draft7},
         {"json-schema.org/draft/2019-09/", SchemaDraft::Draft2019},
         {"json-schema.org/draft/2020-12/", SchemaDraft::Draft2020},
         {"json-schema.org/schema", SchemaDraft::Draft2020}}};
    const auto* known = std::ranges::find_if(kDrafts, [&](const auto& draft) { return name.contains(draft.first); });
    if (known == kDrafts.end()) {
      return refuse(std::format("is written in '{}', and only drafts 4, 6, 7, 2019-09 and 2020-12 are read", name));
    }
    tree_.draft = known->second;
  }

  // The node of a subschema, read where it was not yet.
  SchemaNode* node_of(const SchemaJson& schema, Context at) {
    if (SchemaNode* known = references_->node(schema)) return known;
    auto& node = *tree_.nodes.emplace_back(std::make_unique<SchemaNode>());
    node.place = at.place;
    node.resource = at.resource;
    references_->add_node(schema, node);
    constexpr std::size_t kWorkOfANode = 100, kWorkOfAMember = 10;  // which every keyword is compared with
    work_.spend(kWorkOfANode + kWorkOfAMember * schema.size());
    if (work_.is_over()) refuse("is too large: it would take too long to read");
    if (at.depth > kMaxSchemaDepth) {
      refuse(std::format("is more than {} levels deep", kMaxSchemaDepth));
    } else if (schema.is_boolean()) {
      node.allows_nothing = !schema.get<bool>();
    } else if (!schema.is_object()) {
      refuse(std::format("has at {} something that is neither an object nor true or false", at.place));
    } else if (!wrong_) {
      read_keywords(schema, node, at);
    }
    return &node;
  }

  void read_keywords(const SchemaJson& schema, SchemaNode& node, Context& at) {
    const bool only_reference = schema.contains("$ref") && tree_.draft <= SchemaDraft::Draft7;
    if (!only_reference) read_identity(schema, node, at);
    for (const std::string keyword : {"$ref", "$dynamicRef", "$recursiveRef"}) {
      if (!schema.contains(keyword) || (only_reference && keyword != "$ref")) continue;
      if (!schema[keyword].is_string()) return refuse(std::format("has a {} that is no text", keyword));
      unresolved_.push_back({&node, keyword, schema[keyword].get<std::string>()});
    }
    if (only_reference) return;
    read_definitions(schema, at);
    read_values(schema, node, tree_.draft);
    read_bounds(schema, node);
    read_text_rules(schema, node);
    read_array_rules(schema, node, at);
    read_object_rules(schema, node, at);
    for (const auto& [keyword, list] :
         {std::pair{"allOf", &node.all_of}, std::pair{"anyOf", &node.any_of}, std::pair{"oneOf", &node.one_of}}) {
      if (!schema.contains(keyword)) continue;
      *list = nodes_of(schema[keyword], keyword, at);
      if (list->empty()) refuse(std::format("has an {} without choices", keyword));
    }
    node.not_schema = below(schema, "not", at);
    node.if_schema = below(schema, "if", at);
    const auto* then_schema = below(schema, "then", at);
    const auto* else_schema = below(schema, "else", at);
    if (node.if_schema != nullptr) node.then_schema = then_schema, node.else_schema = else_schema;
  }

  void read_identity(const SchemaJson& schema, SchemaNode& node, Context& at) {
    const char* keyword = tree_.draft == SchemaDraft::Draft4 ? "id" : "$id";
    if (schema.contains(keyword) && schema[keyword].is_string()) {
      const auto id = schema[keyword].get<std::string>();
      if (id.size() > kMaxIdentifierBytes)
        return refuse(std::format("has at {} an {} of more than {} bytes", at.place, keyword, kMaxIdentifierBytes));
      if (id.starts_with('#')) {
        references_->add_anchor(at.resource, id.substr(1), node);
      } else if (&schema == &root_) {
        references_->rename(at.resource, id);
      } else {
        at.resource = references_->add_resource_below(at.resource, id, schema);
      }
    }
    node.resource = at.resource;
    for (const std::string anchor : {"$anchor", "$dynamicAnchor"}) {
      if (!schema.contains(anchor) || !schema[anchor].is_string()) continue;
      references_->add_anchor(at.resource, schema[anchor].get<std::string>(), node);
      if (anchor == "$dynamicAnchor") tree_.dynamic_anchors[at.resource][schema[anchor].get<std::string>()] = &node;
    }
    if (schema.value("$recursiveAnchor", SchemaJson(false)) == true) tree_.dynamic_anchors[at.resource]["#"] = &node;
  }

  // Definitions are read even if nothing refers to them: they may have names of their own.
  void read_definitions(const SchemaJson& schema, const Context& at) {
    for (const char* keyword : {"$defs", "definitions"}) {
      if (!schema.contains(keyword)) continue;
      if (!schema[keyword].is_object()) return refuse(std::format("has {} that are no object", keyword));
      static_cast<void>(named_nodes(schema[keyword], keyword, at));
    }
  }

  const SchemaNode* below(const SchemaJson& schema, std::string_view keyword, const Context& at) {
    const auto found = schema.find(keyword);
    if (found == schema.end()) return nullptr;
    return node_of(*found, {place_below(at.place, keyword), at.resource, at.depth + 1});
  }

  std::vector<const SchemaNode*> nodes_of(const SchemaJson& list, std::string_view keyword, const Context& at) {
    std::vector<const SchemaNode*> nodes;
    if (!list.is_array()) refuse(std::format("has an {} that is no list", keyword));
    const std::string place = place_below(at.place, keyword);
    for (std::size_t i = 0; i < list.size() && !wrong_; ++i) {
      nodes.push_back(node_of(list[i], {place_below(place, std::to_string(i)), at.resource, at.depth + 1}));
    }
    return nodes;
  }

  std::vector<std::pair<std::string, const SchemaNode*>> named_nodes(const SchemaJson& members,
                                                                     std::string_view keyword, const Context& at) {
    std::vector<std::pair<std::string, const SchemaNode*>> nodes;
    if (!members.is_object()) refuse(std::format("has {} that are no object", keyword));
    if (wrong_) return nodes;
    const std::string place = place_below(at.place, keyword);
    for (const auto& [name, schema] : members.items()) {
      if (wrong_) break;
      nodes.emplace_back(name, node_of(schema, {place_below(place, name), at.resource, at.depth + 1}));
    }
    return nodes;
  }

  void read_array_rules(const SchemaJson& schema, SchemaNode& node, const Context& at) {
    const bool is_list = schema.contains("items") && schema["items"].is_array();  // before 2020-12
    if (schema.contains("prefixItems"))
      node.prefix_items = nodes_of(schema["prefixItems"], "prefixItems", at);
    else if (is_list)
      node.prefix_items = nodes_of(schema["items"], "items", at);
    node.items = below(schema, is_list ? "additionalItems" : "items", at);
    node.min_items = count(schema, "minItems");
    node.max_items = count(schema, "maxItems");
    node.unique_items = schema.value("uniqueItems", SchemaJson(false)) == true;
    node.contains = below(schema, "contains", at);
    if (node.contains != nullptr) {
      node.min_contains = count(schema, "minContains");
      node.max_contains = count(schema, "maxContains");
    }
    node.unevaluated_items = below(schema, "unevaluatedItems", at);
  }

  void read_object_rules(const SchemaJson& schema, SchemaNode& node, const Context& at) {
    if (schema.contains("properties")) node.properties = named_nodes(schema["properties"], "properties", at);
    node.properties_by_name.insert(node.properties.begin(), node.properties.end());
    if (schema.contains("patternProperties")) {
      for (const auto& [pattern, its] : named_nodes(schema["patternProperties"], "patternProperties", at)) {
        node.pattern_properties.emplace_back(pattern_of(pattern, its->place), its);
      }
    }
    node.additional_properties = below(schema, "additionalProperties", at);
    node.property_names = below(schema, "propertyNames", at);
    node.unevaluated_properties = below(schema, "unevaluatedProperties", at);
    node.min_properties = count(schema, "minProperties");
    node.max_properties = count(schema, "maxProperties");
    if (schema.contains("required") && !schema["required"].is_boolean())
      node.required = names(schema["required"], "required");
    if (schema.contains("dependentSchemas"))
      node.dependent_schemas = named_nodes(schema["dependentSchemas"], "dependentSchemas", at);
    for (const char* keyword : {"dependentRequired", "dependencies"}) {
      if (!schema.contains(keyword)) continue;
      if (!schema[keyword].is_object()) return refuse(std::format("has {} that are no object", keyword));
      const std::string place = place_below(at.place, keyword);
      for (const auto& [name, its] : schema[keyword].items()) {
        if (its.is_array() || its.is_string()) {
          node.dependent_required.emplace_back(name, names(its.is_array() ? its : SchemaJson::array({its}), keyword));
        } else {
          node.dependent_schemas.emplace_back(name,
                                              node_of(its, {place_below(place, name), at.resource, at.depth + 1}));
        }
      }
    }
  }

  void resolve(const Unresolved& reference) {
    SchemaNode& node = *reference.node;
    auto target = references_->find(node.resource, reference.text);
    if (!target) return refuse(target.error());
    const SchemaNode* meant = node_of(*target->schema, {target->place, target->resource, 0});
    if (reference.keyword == "$ref") {
      node.reference = meant;
      return;
    }
    node.dynamic_reference = meant;
    const std::string anchor =
        reference.keyword == "$recursiveRef" ? "#" : reference.text.substr(reference.text.rfind('#') + 1);
    const auto& anchors = tree_.dynamic_anchors[meant->resource];
    if (const auto found = anchors.find(anchor); found != anchors.end() && found->second == meant)
      node.dynamic_anchor = anchor;
    if (!node.dynamic_anchor.empty()) tree_.has_dynamic_references = true;
  }

  // Where no other schema looks at the same value, what is "unevaluated" is what the keywords beside it leave over.
  void simplify(SchemaNode& node) {
    if (!node.has_applicators()) {
      if (node.unevaluated_properties != nullptr) {
        if (node.additional_properties == nullptr) node.additional_properties = node.unevaluated_properties;
        node.unevaluated_properties = nullptr;
      }
      if (node.unevaluated_items != nullptr && node.contains == nullptr) {
        if (node.items == nullptr) node.items = node.unevaluated_items;
        node.unevaluated_items = nullptr;
      }
    }
    if (node.unevaluated_properties != nullptr || node.unevaluated_items != nullptr) tree_.has_unevaluated = true;
  }

  const SchemaJson& root_;
  const SchemaReading& reading_;
  SchemaTree tree_;
  std::optional<SchemaReferences> references_;
  std::vector<Unresolved> unresolved_;
};

}  // namespace

Result<SchemaTree> read_schema(const nlohmann::ordered_json& schema, const SchemaReading& reading, SchemaWork& work) {
  return SchemaReader(schema, reading, work).read();
}

}  // namespace llama::internal
