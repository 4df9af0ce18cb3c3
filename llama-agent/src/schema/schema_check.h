// Check a value against the nodes of a JSON schema.
//
// Nothing here goes back and tries again: regular expressions are matched by RE2, and what was found out about a value
// and a schema is remembered, so that schemas that share parts take no longer for it. Where evaluated members matter
// (unevaluatedProperties) nothing is remembered; the number of steps is bounded everywhere.
// Threads  one object per check.
// Cost     values times nodes; at most kMaxCheckSteps in all calls of one object.
// Source   JSON Schema Core and Validation, drafts 4 to 2020-12.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schema_node.h"
#include "schema_work.h"

namespace llama::internal {

constexpr std::size_t kMaxCheckSteps = 5'000'000;
constexpr int kMaxCheckDepth = 1'000;  // of values in values and of schemas that lead to each other, together

// Which members or items some schema has looked at.
struct Evaluated {
  std::set<std::string, std::less<>> names{};
  std::vector<bool> items{};
  void add(const Evaluated& others);
  void add_item(std::size_t index);
};

class SchemaCheck {
 public:
  SchemaCheck(const SchemaTree& tree, SchemaWork& work) : tree_(tree), work_(work) {}

  // The first thing that is wrong, with its place; nothing: the value fits.
  [[nodiscard]] std::optional<std::string> first_error(const nlohmann::json& value);
  // True also where the steps or the work are used up.
  [[nodiscard]] bool may_fit(const SchemaNode& node, const nlohmann::json& value);

 private:
  using Json = nlohmann::json;

  bool check(const SchemaNode& node, const Json& value, Evaluated* evaluated);
  bool check_keywords(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_type_and_values(const SchemaNode& node, const Json& value);
  bool check_number(const SchemaNode& node, const Json& value);
  bool check_text(const SchemaNode& node, const std::string& text);
  bool check_array(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_contains(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_object(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_members(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_all_and_any(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_conditions(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool check_unevaluated(const SchemaNode& node, const Json& value, Evaluated& evaluated);
  bool fits(const SchemaNode& node, const Json& value, Evaluated* evaluated);  // says nothing about what is wrong
  bool check_below(const SchemaNode& node, const Json& value, const std::string& part);
  const SchemaNode& dynamic_target(const SchemaNode& node) const;
  bool wrong(std::string what);
  void forget();

  enum class Found : std::uint8_t { Open, Yes, No };
  // What a dynamic reference means depends on the resources entered, and on the way down they only become more.
  struct Asked {
    const void *node, *value;
    std::size_t resources;
    bool operator==(const Asked&) const = default;
  };
  struct AskedHash {
    std::size_t operator()(const Asked& asked) const {
      return (std::hash<const void*>()(asked.node) * 31 + std::hash<const void*>()(asked.value)) * 31 + asked.resources;
    }
  };

  const SchemaTree& tree_;
  SchemaWork& work_;
  std::unordered_map<Asked, Found, AskedHash> found_;
  std::vector<std::size_t> resources_;  // entered, each once, the outermost first
  std::vector<std::string> path_;       // of the value
  std::optional<std::string> error_;
  std::size_t steps_ = 0, cycles_ = 0;
  int depth_ = 0;
  int quiet_ = 0;
  bool gave_up_ = false;
};

}  // namespace llama::internal
