#include "schema_cycles.h"

#include <map>
#include <ranges>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

enum class SameValue : std::uint8_t { All, Any, Other };  // allOf and $ref; anyOf; whatever else

struct SameValueEdge {
  std::size_t from, to;
  SameValue kind;
};

// Behind the nodes' numbers come those of the dynamic anchors: whoever refers to one may mean every node that has it.
std::vector<SameValueEdge> same_value_edges(const SchemaTree& tree) {
  std::unordered_map<const SchemaNode*, std::size_t> numbers;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) numbers.emplace(tree.nodes[i].get(), i);
  std::map<std::string_view, std::size_t> anchor_numbers;
  for (const auto& [name, nodes] : tree.anchored)
    anchor_numbers.emplace(name, tree.nodes.size() + anchor_numbers.size());
  std::vector<SameValueEdge> edges;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const SchemaNode& node = *tree.nodes[i];
    const auto add = [&](const SchemaNode* to, SameValue kind) {
      if (to != nullptr) edges.push_back({i, numbers.at(to), kind});
    };
    add(node.reference, SameValue::All);
    add(node.dynamic_reference, SameValue::All);
    if (!node.dynamic_anchor.empty()) edges.push_back({i, anchor_numbers.at(node.dynamic_anchor), SameValue::All});
    for (const auto* part : node.all_of) add(part, SameValue::All);
    for (const auto* part : node.any_of) add(part, SameValue::Any);
    for (const auto* part : node.one_of) add(part, SameValue::Other);
    for (const auto* part : {node.not_schema, node.if_schema, node.then_schema, node.else_schema})
      add(part, SameValue::Other);
    for (const auto& [name, part] : node.dependent_schemas) add(part, SameValue::Other);
  }
  for (const auto& [name, nodes] : tree.anchored) {
    for (const auto* node : nodes) edges.push_back({anchor_numbers.at(name), numbers.at(node), SameValue::All});
  }
  return edges;
}

// Numbers each node so that two have the same number when each leads to the other (Kosaraju, without recursion).
std::vector<std::size_t> strong_components(std::size_t count, const std::vector<SameValueEdge>& edges, bool with_any) {
  std::vector<std::vector<std::size_t>> onward(count), back(count);
  for (const auto& edge : edges) {
    if (!with_any && edge.kind == SameValue::Any) continue;
    onward[edge.from].push_back(edge.to);
    back[edge.to].push_back(edge.from);
  }
  std::vector<std::size_t> finished;
  std::vector<bool> seen(count);
  for (std::size_t start = 0; start < count; ++start) {
    std::vector<std::pair<std::size_t, std::size_t>> open;  // a node, how many of its edges were followed
    if (!seen[start]) open.emplace_back(start, 0), seen[start] = true;
    while (!open.empty()) {
      auto& [node, followed] = open.back();
      if (followed == onward[node].size()) {
        finished.push_back(node);
        open.pop_back();
        continue;
      }
      const std::size_t next = onward[node][followed++];
      if (!seen[next]) seen[next] = true, open.emplace_back(next, 0);
    }
  }
  std::vector<std::size_t> component(count, count);
  for (const std::size_t start : std::views::reverse(finished)) {
    std::vector<std::size_t> open{start};
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      if (component[node] != count) continue;
      component[node] = start;
      open.insert(open.end(), back[node].begin(), back[node].end());
    }
  }
  return component;
}

}  // namespace

std::optional<std::string> reference_to_itself(const SchemaTree& tree) {
  const auto edges = same_value_edges(tree);
  for (const bool with_any : {false, true}) {
    const auto component = strong_components(tree.nodes.size() + tree.anchored.size(), edges, with_any);
    for (const auto& edge : edges) {
      if (component[edge.from] != component[edge.to]) continue;
      // Through anyOf alone, or anyOf and references, there is an end; through the others there is none. A way through
      // an anchor begins at a reference, and edges from nodes come first.
      if (with_any ? edge.kind == SameValue::Other : edge.kind != SameValue::Any) return tree.nodes[edge.from]->place;
    }
  }
  return std::nullopt;
}

}  // namespace llama::internal
