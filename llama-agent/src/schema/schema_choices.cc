#include "schema_choices.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxOptions = 2'000;  // of one anyOf

using SchemaValues = std::vector<nlohmann::json>;  // in order

// What a schema says about a value at first sight: to tell that no value fits two of them.
struct FirstSight {
  std::uint8_t types = kAnyType;
  const SchemaValues* values = nullptr;
  std::map<std::string_view, const SchemaValues*> members{};  // required ones that have only these values
};

void look_at(const SchemaNode& node, FirstSight& sight, int depth, SchemaWork& work) {
  constexpr std::size_t kWorkOfAMember = 30;
  work.spend(1 + kWorkOfAMember * node.required.size());
  if (node.allows_nothing) sight.types = 0;
  sight.types &= node.types;
  if (node.values) sight.values = &node.sorted_values;
  for (const auto& name : node.required) {
    const SchemaNode* its = node.property(name);
    for (int i = 0; its != nullptr && its->reference != nullptr && i < 8; ++i) its = its->reference;
    if (its != nullptr && its->values) sight.members[name] = &its->sorted_values;
  }
  if (depth == 0) return;
  if (node.reference != nullptr) look_at(*node.reference, sight, depth - 1, work);
  for (const auto* part : node.all_of) {
    if (!work.is_over()) look_at(*part, sight, depth - 1, work);
  }
}

bool share_a_value(const SchemaValues& a, const SchemaValues& b, SchemaWork& work) {
  constexpr std::size_t kWorkOfASearch = 20;
  return std::ranges::any_of(a, [&](const auto& value) {
    work.spend(kWorkOfASearch);
    return std::ranges::binary_search(b, value);
  });
}

bool exclude_each_other(const FirstSight& a, const FirstSight& b, SchemaWork& work) {
  if ((a.types & b.types) == 0) return true;
  if (a.values != nullptr && b.values != nullptr && !share_a_value(*a.values, *b.values, work)) return true;
  if (((a.types & b.types) & ~kObject) != 0) return false;
  return std::ranges::any_of(a.members, [&](const auto& member) {
    work.spend(10);
    const auto other = b.members.find(member.first);
    return other != b.members.end() && !share_a_value(*member.second, *other->second, work);
  });
}

bool all_exclude_each_other(const SchemaSet& choices, SchemaWork& work) {
  constexpr std::size_t kMaxCompared = 64;
  constexpr int kMaxLookDepth = 4;
  if (choices.size() > kMaxCompared) return false;
  std::vector<FirstSight> sights(choices.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    look_at(*choices[i], sights[i], kMaxLookDepth, work);
    for (std::size_t k = 0; k < i; ++k) {
      if (work.is_over() || !exclude_each_other(sights[i], sights[k], work)) return false;
    }
  }
  return true;
}

class ChoiceWalk {
 public:
  explicit ChoiceWalk(ChoiceMaking& making) : making_(making) {}

  std::vector<SchemaSet> walk(const SchemaSet& nodes) {
    State start;
    if (std::ranges::all_of(nodes, [&](const auto* node) { return add(start, *node, nullptr); }))
      choose(std::move(start));
    return std::move(sets_);
  }

 private:
  // The way that led to a node for the same value; kept alive in ways_.
  struct Way {
    const SchemaNode* node;
    const Way* from;
    std::size_t length;
  };
  struct Choice {
    std::shared_ptr<const std::vector<SchemaSet>> options;
    const Way* from;
    const char* keyword;
  };
  struct State {
    SchemaSet nodes;
    std::vector<Choice> open;
  };

  static bool leads_through(const Way* way, const SchemaNode& node) {
    for (; way != nullptr; way = way->from) {
      if (way->node == &node) return true;
    }
    return false;
  }

  // False: nothing fits.
  bool add(State& state, const SchemaNode& node, const Way* from) {
    constexpr std::size_t kWorkOfANode = 10;
    const std::size_t length = from == nullptr ? 0 : from->length;
    making_.work.spend(kWorkOfANode + length + state.nodes.size() / 16);
    if (making_.work.is_over() || node.allows_nothing || leads_through(from, node)) return false;
    if (std::ranges::contains(state.nodes, &node)) return true;
    state.nodes.push_back(&node);
    ways_.push_back(std::make_unique<Way>(&node, from, length + 1));
    const Way* way = ways_.back().get();
    if (const auto* target = reference_of(node); target != nullptr && !add(state, *target, way)) return false;
    for (const auto* part : node.all_of) {
      if (!add(state, *part, way)) return false;
    }
    if (!node.any_of.empty()) state.open.push_back({one_by_one(node.any_of), way, "anyOf"});
    if (!node.one_of.empty()) {
      if (!is_exclusive(node)) making_.remarks.add("oneOf", node);
      state.open.push_back({one_by_one(node.one_of), way, "oneOf"});
    }
    if (node.if_schema != nullptr && (node.then_schema != nullptr || node.else_schema != nullptr)) {
      making_.remarks.add("if", node);
      // Whoever does not fit `if` fits `else`: that it does not fit `if` is left to the check.
      if (node.then_schema != nullptr && node.else_schema != nullptr) {
        const std::vector<SchemaSet> options{{node.if_schema, node.then_schema}, {node.else_schema}};
        state.open.push_back({std::make_shared<const std::vector<SchemaSet>>(options), way, "if"});
      }
    }
    return true;
  }

  const SchemaNode* reference_of(const SchemaNode& node) {
    if (node.reference != nullptr) return node.reference;
    if (node.dynamic_reference == nullptr || node.dynamic_anchor.empty()) return node.dynamic_reference;
    if (making_.tree.anchored.at(node.dynamic_anchor).size() == 1) return node.dynamic_reference;
    making_.remarks.add("$dynamicRef", node);
    return nullptr;
  }

  std::shared_ptr<const std::vector<SchemaSet>> one_by_one(const SchemaSet& choices) {
    constexpr std::size_t kWorkOfAnOption = 5;
    making_.work.spend(kWorkOfAnOption * choices.size());
    std::vector<SchemaSet> options;
    for (const auto* choice : choices) options.push_back({choice});
    return std::make_shared<const std::vector<SchemaSet>>(std::move(options));
  }

  bool is_exclusive(const SchemaNode& node) {
    const auto known = making_.exclusive.find(&node);
    if (known != making_.exclusive.end()) return known->second;
    return making_.exclusive[&node] = all_exclude_each_other(node.one_of, making_.work);
  }

  void choose(State state) {
    if (making_.work.is_over()) return;
    if (state.open.empty()) {
      making_.work.spend(sets_.size() * (1 + state.nodes.size() / 16));
      if (!std::ranges::contains(sets_, state.nodes)) sets_.push_back(std::move(state.nodes));
      return;
    }
    const Choice choice = std::move(state.open.back());
    state.open.pop_back();
    // One choice alone multiplies nothing.
    const bool is_alone =
        std::exchange(is_first_, false) && choice.options->size() <= kMaxOptions && making_.max_sets > 1;
    if (!is_alone) steps_ += choice.options->size();
    if (!is_alone && steps_ > making_.max_sets) {
      making_.remarks.add(choice.keyword, *choice.from->node);
      return choose(std::move(state));
    }
    for (const auto& option : *choice.options) {
      constexpr std::size_t kWorkOfACopy = 30;
      making_.work.spend(kWorkOfACopy + state.nodes.size() / 8 + 4 * state.open.size());
      if (making_.work.is_over()) return;
      State next = state;
      if (std::ranges::all_of(option, [&](const auto* node) { return add(next, *node, choice.from); }))
        choose(std::move(next));
    }
  }

  ChoiceMaking& making_;
  std::vector<std::unique_ptr<Way>> ways_;
  std::vector<SchemaSet> sets_;
  std::size_t steps_ = 0;
  bool is_first_ = true;
};

}  // namespace

std::vector<SchemaSet> choices_of(const SchemaSet& nodes, ChoiceMaking& making) {
  return ChoiceWalk(making).walk(nodes);
}

}  // namespace llama::internal
