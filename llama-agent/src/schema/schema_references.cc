#include "schema_references.h"

#include <charconv>
#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "schema_uri.h"

namespace llama::internal {
namespace {

std::string without_fragment(std::string_view uri) { return std::string(uri.substr(0, uri.find('#'))); }

// The member of a JSON value that one part of a pointer names; null where it has none.
const nlohmann::ordered_json* member_named(const nlohmann::ordered_json& value, std::string_view part) {
  std::string name;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool is_escape = part[i] == '~' && i + 1 < part.size() && (part[i + 1] == '0' || part[i + 1] == '1');
    name += is_escape ? (part[++i] == '0' ? '~' : '/') : part[i];
  }
  if (value.is_object()) {
    const auto found = value.find(name);
    return found == value.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool is_index = value.is_array() && read.ec == std::errc() && read.ptr == name.data() + name.size();
  return is_index && index < value.size() ? &value[index] : nullptr;
}

}  // namespace

std::size_t SchemaReferences::add_resource(std::string uri, const nlohmann::ordered_json& schema) {
  by_uri_.try_emplace(uri, resources_.size());
  resources_.push_back({std::move(uri), &schema});
  tree_.dynamic_anchors.emplace_back();
  return resources_.size() - 1;
}

std::size_t SchemaReferences::add_resource_below(std::size_t resource, std::string_view id,
                                                 const nlohmann::ordered_json& schema) {
  return add_resource(without_fragment(resolved_uri(resources_[resource].uri, id)), schema);
}

void SchemaReferences::rename(std::size_t resource, std::string_view id) {
  resources_[resource].uri = without_fragment(id);
  by_uri_.try_emplace(resources_[resource].uri, resource);
}

void SchemaReferences::add_anchor(std::size_t resource, const std::string& anchor, SchemaNode& node) {
  anchors_.try_emplace({resource, anchor}, &node);
}

void SchemaReferences::add_node(const nlohmann::ordered_json& schema, SchemaNode& node) {
  nodes_.emplace(&schema, &node);
  schemas_.emplace(&node, &schema);
}

SchemaNode* SchemaReferences::node(const nlohmann::ordered_json& schema) const {
  const auto found = nodes_.find(&schema);
  return found == nodes_.end() ? nullptr : found->second;
}

std::expected<SchemaReferences::Target, std::string> SchemaReferences::find(std::size_t resource,
                                                                            const std::string& reference) {
  const std::string uri = resolved_uri(resources_[resource].uri, reference);
  work_.spend(50 + uri.size());
  const auto found = by_uri_.find(without_fragment(uri));
  if (found == by_uri_.end()) {
    return std::unexpected(std::format("refers to '{}', and only what stands in itself is read", reference));
  }
  const auto hash = uri.find('#');
  const std::string fragment = hash == std::string::npos ? "" : percent_decoded(std::string_view(uri).substr(hash + 1));
  const auto missing = [&] {
    return std::unexpected(std::format("refers to '{}', which it does not have", reference));
  };
  Target target{resources_[found->second].schema, found->second, reference};
  if (!fragment.empty() && !fragment.starts_with('/')) {
    const auto anchor = anchors_.find({target.resource, fragment});
    if (anchor == anchors_.end()) return missing();
    return Target{schemas_.at(anchor->second), anchor->second->resource, reference};
  }
  for (std::string_view rest = fragment; !rest.empty();) {
    rest.remove_prefix(1);
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(part.size());
    work_.spend(1 + part.size() + target.schema->size() / 2);
    target.schema = member_named(*target.schema, part);
    if (target.schema == nullptr) return missing();
    if (const SchemaNode* known = node(*target.schema)) target.resource = known->resource;
  }
  return target;
}

}  // namespace llama::internal
