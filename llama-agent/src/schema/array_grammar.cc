#include <algorithm>
#include <utility>

#include "value_grammar.h"

namespace llama::internal {

// Items of the prefix have a rule each: what comes from here on, which may be nothing. The rest is a repetition.
GrammarSequences array_sequences(const SchemaSet& nodes, GrammarMaking& making) {
  std::size_t prefix = 0;
  std::int64_t least = 0;
  std::optional<std::int64_t> most;
  for (const auto* node : nodes) {
    prefix = std::max(prefix, node->prefix_items.size());
    least = std::max(least, node->min_items.value_or(0));
    if (node->max_items) most = std::min(most.value_or(*node->max_items), *node->max_items);
    if (node->unique_items && (!most || *most > 1)) making.remarks.add("uniqueItems", *node);
    if (node->contains != nullptr && (node->min_contains.value_or(1) > 0 || node->max_contains))
      making.remarks.add("contains", *node);
    if (node->unevaluated_items != nullptr) making.remarks.add("unevaluatedItems", *node);
  }
  // A tuple that does not speak of further items is meant to have none.
  const bool is_tuple =
      prefix > 0 && std::ranges::none_of(nodes, [](const auto* node) { return node->items != nullptr; });
  if (making.habits == SchemaHabits::Usual && is_tuple && std::cmp_less_equal(least, prefix)) {
    most = std::min(most.value_or(static_cast<std::int64_t>(prefix)), static_cast<std::int64_t>(prefix));
  }
  if (most && least > *most) return {};
  const auto at = [&](std::size_t index) {
    SchemaSet position;
    for (const auto* node : nodes) {
      making.work.spend(1 + position.size() / 8);
      const SchemaNode* its = index < node->prefix_items.size() ? node->prefix_items[index] : node->items;
      if (its != nullptr && !std::ranges::contains(position, its)) position.push_back(its);
    }
    return making.rule_of_position(std::move(position));
  };
  const GrammarRules::Item comma{.text = R"("," ws)"};
  const auto length = static_cast<std::int64_t>(prefix);
  std::int64_t rest_least = std::max<std::int64_t>(0, least - std::max<std::int64_t>(length, 1));
  std::int64_t rest_most = GrammarRules::kEndless;
  if (most) rest_most = std::max<std::int64_t>(0, *most - std::max<std::int64_t>(length, 1));
  for (const auto* node : nodes) {
    if (rest_least > kMaxRepetitions && node->min_items) making.remarks.add("minItems", *node);
    if (rest_most > kMaxRepetitions && node->max_items) making.remarks.add("maxItems", *node);
  }
  rest_least = std::min(rest_least, kMaxRepetitions);
  if (rest_most > kMaxRepetitions) rest_most = GrammarRules::kEndless;
  const GrammarRules::Item rest_rule{.rule = at(prefix)};
  const GrammarRules::Item more{.rule = making.rules.add({{comma, rest_rule}}), .least = rest_least, .most = rest_most};
  // From the back: what follows the items before this one.
  GrammarSequences tail{{more}};
  if (prefix == 0) {
    tail = {{rest_rule, more}};
    if (most && *most == 0) tail.clear();
    if (least == 0) tail.emplace_back();
  }
  for (std::size_t i = prefix; i-- > 0 && !making.work.is_over();) {
    const auto index = static_cast<std::int64_t>(i);
    GrammarRules::Sequence sequence{{.rule = at(i)}, {.rule = making.rules.add(std::move(tail))}};
    if (i > 0) sequence.insert(sequence.begin(), comma);
    tail.clear();
    if (!most || index < *most) tail.push_back(std::move(sequence));
    if (index >= least) tail.emplace_back();
  }
  return {{{.text = R"("[" ws)"}, {.rule = making.rules.add(std::move(tail))}, {.text = R"(ws "]")"}}};
}

}  // namespace llama::internal
