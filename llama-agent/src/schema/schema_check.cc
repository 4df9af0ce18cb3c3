#include "schema_check.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <string_view>

namespace llama::internal {
void Evaluated::add_item(std::size_t index) {
  if (items.size() <= index) items.resize(index + 1);
  items[index] = true;
}

void Evaluated::add(const Evaluated& others) {
  names.insert(others.names.begin(), others.names.end());
  for (std::size_t i = 0; i < others.items.size(); ++i) {
    if (others.items[i]) add_item(i);
  }
}

std::optional<std::string> SchemaCheck::first_error(const Json& value) {
  forget();
  if (check(*tree_.root, value, nullptr)) return std::nullopt;
  return error_.value_or("it does not fit");
}

bool SchemaCheck::may_fit(const SchemaNode& node, const Json& value) {
  forget();
  return fits(node, value, nullptr) || gave_up_;
}

// Emptying a table takes time with its size, and the next value may be a small one.
void SchemaCheck::forget() {
  constexpr std::size_t kMaxKeptBuckets = 1'000;
  if (found_.bucket_count() > kMaxKeptBuckets) found_ = decltype(found_)();
  found_.clear();
  resources_ = {tree_.root->resource};
}

bool SchemaCheck::wrong(std::string what) {
  if (quiet_ > 0 || error_) return false;
  std::string where;
  for (const auto& part : path_) where += "/" + part;
  error_ = where.empty() ? std::move(what) : std::format("at {}: {}", where, what);
  return false;
}

bool SchemaCheck::fits(const SchemaNode& node, const Json& value, Evaluated* evaluated) {
  ++quiet_;
  const bool it_fits = check(node, value, evaluated);
  --quiet_;
  return it_fits;
}

bool SchemaCheck::check_below(const SchemaNode& node, const Json& value, const std::string& part) {
  if (quiet_ == 0) path_.push_back(part);
  const bool it_fits = check(node, value, nullptr);
  if (quiet_ == 0) path_.pop_back();
  return it_fits;
}

bool SchemaCheck::check(const SchemaNode& node, const Json& value, Evaluated* evaluated) {
  if (node.allows_nothing) return wrong("nothing may stand here");
  constexpr std::size_t kWorkOfAStep = 4;
  work_.spend(kWorkOfAStep + resources_.size());
  if (gave_up_ || ++steps_ > kMaxCheckSteps || depth_ >= kMaxCheckDepth || work_.is_over()) {
    if (!gave_up_) quiet_ = 0, wrong("it is too large or too deep to be checked");
    gave_up_ = true;
    return false;
  }
  const bool may_repeat = node.has_applicators();
  const bool may_remember = !tree_.has_unevaluated && !tree_.has_dynamic_references;
  const Asked key{&node, &value, resources_.size()};
  if (may_repeat) {
    const auto [known, is_new] = found_.try_emplace(key, Found::Open);
    if (!is_new && known->second == Found::Open) ++cycles_;  // it fits if it fits: the other choices decide
    if (!is_new) return known->second == Found::Yes || wrong("it fits no schema");
  }
  const std::size_t cycles_before = cycles_;
  ++depth_;
  const bool enters = tree_.has_dynamic_references && !std::ranges::contains(resources_, node.resource);
  if (enters) resources_.push_back(node.resource);
  Evaluated own;
  const bool it_fits = check_keywords(node, value, own);
  if (enters) resources_.pop_back();
  --depth_;
  if (it_fits && evaluated != nullptr) {
    constexpr std::size_t kWorkOfAName = 10;
    work_.spend(kWorkOfAName * own.names.size() + own.items.size() / 8);
    evaluated->add(own);
  }
  if (may_repeat) {
    // A "no" that rests on a cycle may be a "yes" elsewhere.
    if (may_remember && (it_fits || cycles_ == cycles_before)) {
      found_[key] = it_fits ? Found::Yes : Found::No;
    } else {
      found_.erase(key);
    }
  }
  return it_fits;
}

bool SchemaCheck::check_keywords(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  if (!check_type_and_values(node, value)) return false;
  if (value.is_number() && !check_number(node, value)) return false;
  if (value.is_string() && !check_text(node, value.get_ref<const std::string&>())) return false;
  if (value.is_array() && !check_array(node, value, evaluated)) return false;
  if (value.is_object() && !check_object(node, value, evaluated)) return false;
  if (node.has_applicators() &&
      !(check_all_and_any(node, value, evaluated) && check_conditions(node, value, evaluated)))
    return false;
  return check_unevaluated(node, value, evaluated);
}

bool SchemaCheck::check_all_and_any(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  Evaluated* const its = tree_.has_unevaluated ? &evaluated : nullptr;
  if (node.reference != nullptr && !check(*node.reference, value, its)) return false;
  if (node.dynamic_reference != nullptr && !check(dynamic_target(node), value, its)) return false;
  for (const auto* part : node.all_of) {
    if (!check(*part, value, its)) return false;
  }
  if (!node.any_of.empty()) {
    bool any = false;
    for (const auto* choice : node.any_of) {
      any = fits(*choice, value, its) || any;
      if (any && its == nullptr) break;
    }
    if (!any) return wrong("it fits none of the choices of 'anyOf'");
  }
  if (!node.one_of.empty()) {
    const auto count =
        std::ranges::count_if(node.one_of, [&](const auto* choice) { return fits(*choice, value, its); });
    if (count != 1) return wrong(std::format("it fits {} of the choices of 'oneOf', not one", count));
  }
  return true;
}

bool SchemaCheck::check_conditions(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  Evaluated* const its = tree_.has_unevaluated ? &evaluated : nullptr;
  if (node.not_schema != nullptr && (fits(*node.not_schema, value, nullptr) || gave_up_))
    return wrong("it fits what 'not' rules out");
  if (node.if_schema != nullptr) {
    const SchemaNode* then = fits(*node.if_schema, value, its) ? node.then_schema : node.else_schema;
    if (then != nullptr && !check(*then, value, its)) return false;
  }
  for (const auto& [name, part] : node.dependent_schemas) {
    if (value.is_object() && value.contains(name) && !check(*part, value, its)) return false;
  }
  return !gave_up_;
}

bool SchemaCheck::check_unevaluated(const SchemaNode& node, const Json& value, Evaluated& evaluated) {
  if (node.unevaluated_properties != nullptr && value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      if (evaluated.names.contains(name)) continue;
      if (!check_below(*node.unevaluated_properties, member, name))
        return wrong(std::format("it may not have '{}'", name));
      evaluated.names.insert(name);
    }
  }
  if (node.unevaluated_items != nullptr && value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i < evaluated.items.size() && evaluated.items[i]) continue;
      if (!check_below(*node.unevaluated_items, value[i], std::to_string(i))) return false;
      evaluated.add_item(i);
    }
  }
  return true;
}

const SchemaNode& SchemaCheck::dynamic_target(const SchemaNode& node) const {
  if (!node.dynamic_anchor.empty()) {
    for (const std::size_t resource : resources_) {
      const auto& anchors = tree_.dynamic_anchors[resource];
      if (const auto found = anchors.find(node.dynamic_anchor); found != anchors.end()) return *found->second;
    }
  }
  return *node.dynamic_reference;
}

}  // namespace llama::internal
