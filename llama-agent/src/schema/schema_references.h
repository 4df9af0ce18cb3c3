// Find what a reference of a JSON schema means: by its identifiers ("$id", "$anchor") and by JSON pointers.
#pragma once

#include <expected>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema_node.h"
#include "schema_work.h"

namespace llama::internal {

class SchemaReferences {
 public:
  SchemaReferences(SchemaTree& tree, SchemaWork& work) : tree_(tree), work_(work) {}

  // A part of the schema with an identifier of its own; its number.
  std::size_t add_resource(std::string uri, const nlohmann::ordered_json& schema);
  std::size_t add_resource_below(std::size_t resource, std::string_view id, const nlohmann::ordered_json& schema);
  void rename(std::size_t resource, std::string_view id);
  void add_anchor(std::size_t resource, const std::string& anchor, SchemaNode& node);
  void add_node(const nlohmann::ordered_json& schema, SchemaNode& node);
  [[nodiscard]] SchemaNode* node(const nlohmann::ordered_json& schema) const;

  struct Target {
    const nlohmann::ordered_json* schema;
    std::size_t resource;
    std::string place;
  };
  // Errors   why there is no such place.
  [[nodiscard]] std::expected<Target, std::string> find(std::size_t resource, const std::string& reference);

 private:
  struct Resource {
    std::string uri;
    const nlohmann::ordered_json* schema;
  };
  SchemaTree& tree_;
  SchemaWork& work_;
  std::vector<Resource> resources_;
  std::map<std::string, std::size_t> by_uri_;
  std::map<std::pair<std::size_t, std::string>, const SchemaNode*> anchors_;
  std::unordered_map<const nlohmann::ordered_json*, SchemaNode*> nodes_;
  std::unordered_map<const SchemaNode*, const nlohmann::ordered_json*> schemas_;
};

}  // namespace llama::internal
