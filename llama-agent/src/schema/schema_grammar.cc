#include "schema_grammar.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "number_grammar.h"
#include "schema_check.h"
#include "value_grammar.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxSequences = 100'000;

// Numbers and gaps have bounds, or a model could go on with them for ever. An escaped surrogate alone is no character.
constexpr std::string_view kBasicRules = R"(ws ::= | " " | "\n" [ \t]{0,20}
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" ([0-9a-cA-Ce-fE-F] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))
string ::= "\"" char* "\""
integer ::= "-"? natural
natural ::= "0" | [1-9] [0-9]{0,14}
number ::= "-"? natural ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
member ::= string ":" " "? value
object ::= "{" ws (member ("," ws member)*)? ws "}"
array ::= "[" ws (value ("," ws value)*)? ws "]"
value ::= object | array | string | number | boolean | null
)";

// Fewer choices taken apart, and no patterns, make a smaller grammar and leave more to the check.
struct Extent {
  std::size_t max_sets;
  bool with_automata;
};

class GrammarWriter {
 public:
  GrammarWriter(const SchemaTree& tree, SchemaHabits habits, SchemaWork& work, const Extent& extent)
      : making_{.tree = tree,
                .habits = habits,
                .work = work,
                .automaton_work = work.share(extent.with_automata ? work.left() / 2 : 0),
                .check = SchemaCheck(tree, work),
                .rule_of_position = [this](SchemaSet position) { return rule_of(std::move(position)); }},
        choosing_{.tree = tree, .remarks = making_.remarks, .work = work, .max_sets = extent.max_sets} {}

  // A worklist, not recursion: a rule is named before its body is written. Nothing: the grammar would be too large.
  std::optional<Result<SchemaGrammar>> write() {
    const std::size_t root = rule_of({making_.tree.root});
    while (!open_.empty()) {
      auto [rule, position] = std::move(open_.back());
      open_.pop_back();
      making_.rules.fill(rule, sequences_of(position));
      if (making_.rules.size() > kMaxGrammarRules || sequences_ > kMaxSequences || making_.work.is_over())
        return std::nullopt;
    }
    auto text = making_.rules.text(root);
    if (!text) return fail(ErrorCode::InvalidArgument, "the JSON schema allows nothing: no document fits it");
    if (text->size() + kBasicRules.size() > kMaxGrammarBytes) return std::nullopt;
    return SchemaGrammar{.gbnf = *text + std::string(kBasicRules), .unenforced = making_.remarks.list()};
  }

 private:
  std::size_t rule_of(SchemaSet position) {
    constexpr std::size_t kWorkOfAPosition = 30;
    making_.work.spend(kWorkOfAPosition + 2 * position.size());
    SchemaSet key = position;
    std::ranges::sort(key);
    const auto [known, is_new] = known_.try_emplace(std::move(key), 0);
    if (is_new) {
      known->second = making_.rules.reserve();
      open_.emplace_back(known->second, std::move(position));
    }
    return known->second;
  }

  GrammarSequences sequences_of(const SchemaSet& position) {
    GrammarSequences all;
    for (const auto& nodes : choices_of(position, choosing_)) {
      constexpr std::size_t kWorkOfANode = 4;
      making_.work.spend(kWorkOfANode * nodes.size());
      for (auto& sequence : of_set(nodes)) all.push_back(std::move(sequence));
      if (sequences_ + all.size() > kMaxSequences || making_.work.is_over()) break;  // write() gives up
    }
    sequences_ += all.size();
    return all;
  }

  GrammarSequences of_set(const SchemaSet& nodes) {
    for (const auto* node : nodes) {
      if (node->not_schema == nullptr || node->not_schema->allows_nothing) continue;
      making_.remarks.add("not", *node);
    }
    if (const auto listed = std::ranges::find_if(nodes, [](const auto* node) { return node->values.has_value(); });
        listed != nodes.end()) {
      return of_values(**listed, nodes);
    }
    std::uint8_t types = kAnyType;
    for (const auto* node : nodes) types &= node->types;
    if (making_.habits == SchemaHabits::Usual) types &= usual_types(nodes);
    if (types == kAnyType &&
        std::ranges::none_of(nodes, [](const auto* node) { return usual_types({node}) != kAnyType; })) {
      return {{{.text = "value"}}};
    }
    GrammarSequences all;
    const auto add = [&](std::uint8_t type, GrammarSequences (*of_type)(const SchemaSet&, GrammarMaking&)) {
      if ((types & type) == 0) return;
      for (auto& sequence : of_type(nodes, making_)) all.push_back(std::move(sequence));
    };
    add(kObject, object_sequences);
    add(kArray, array_sequences);
    add(kString, text_sequences);
    if ((types & kNumber) != 0) {
      const std::string numbers = of_numbers(nodes, (types & kFraction) != 0);
      if (!numbers.empty()) all.push_back({{.text = numbers}});
    }
    if ((types & kBoolean) != 0) all.push_back({{.text = "boolean"}});
    if ((types & kNull) != 0) all.push_back({{.text = "null"}});
    return all;
  }

  // What keywords without a "type" are about.
  static std::uint8_t usual_types(const SchemaSet& nodes) {
    std::uint8_t types = 0;
    for (const auto* node : nodes) {
      if (node->has_type) return kAnyType;
      if (!node->properties.empty() || !node->pattern_properties.empty() || !node->required.empty() ||
          node->additional_properties != nullptr || node->property_names != nullptr ||
          node->unevaluated_properties != nullptr || node->min_properties || node->max_properties ||
          !node->dependent_required.empty() || !node->dependent_schemas.empty()) {
        types |= kObject;
      }
      if (!node->prefix_items.empty() || node->items != nullptr || node->contains != nullptr || node->min_items ||
          node->max_items || node->unique_items || node->unevaluated_items != nullptr) {
        types |= kArray;
      }
      if (node->min_length || node->max_length || node->pattern != nullptr || node->format != nullptr) types |= kString;
      if (node->minimum || node->maximum || node->exclusive_minimum || node->exclusive_maximum || node->multiple_of)
        types |= kNumber;
    }
    return types == 0 ? static_cast<std::uint8_t>(kAnyType) : types;
  }

  // Those of the listed values that fit everything are written out.
  GrammarSequences of_values(const SchemaNode& listed, const SchemaSet& nodes) {
    constexpr std::size_t kWorkOfAValue = 10, kWorkOfAByte = 4;
    std::vector<std::string> texts;
    SchemaCheck& check = making_.check;
    for (const auto& value : *listed.values) {
      if (making_.work.is_over()) break;
      const nlohmann::json compared = value;
      making_.work.spend(kWorkOfAValue);
      const auto fits = [&](const SchemaNode* node) { return check.may_fit(*node, compared); };
      if (!std::ranges::all_of(nodes, fits)) continue;
      texts.push_back(value.dump());
      making_.work.spend(kWorkOfAByte * texts.back().size());
    }
    return listed_sequences(std::move(texts), making_);
  }

  std::string of_numbers(const SchemaSet& nodes, bool with_fractions) {
    std::optional<NumberBound> low, high;
    for (const auto* node : nodes) {
      const auto raise = [&](const std::optional<double>& value, bool belongs) {
        if (value && (!low || *value > low->value || (*value == low->value && !belongs))) low = {*value, belongs};
      };
      const auto lower = [&](const std::optional<double>& value, bool belongs) {
        if (value && (!high || *value < high->value || (*value == high->value && !belongs))) high = {*value, belongs};
      };
      raise(node->minimum, true), raise(node->exclusive_minimum, false);
      lower(node->maximum, true), lower(node->exclusive_maximum, false);
      if (node->multiple_of && (with_fractions || std::fmod(1, *node->multiple_of) != 0))
        making_.remarks.add("multipleOf", *node);
    }
    if (auto exact = with_fractions ? numbers_between(low, high) : integers_between(low, high)) return *exact;
    for (const auto* node : nodes) {
      if (node->minimum) making_.remarks.add("minimum", *node);
      if (node->exclusive_minimum) making_.remarks.add("exclusiveMinimum", *node);
      if (node->maximum) making_.remarks.add("maximum", *node);
      if (node->exclusive_maximum) making_.remarks.add("exclusiveMaximum", *node);
    }
    return with_fractions ? "number" : "integer";
  }

  GrammarMaking making_;
  ChoiceMaking choosing_;
  std::map<SchemaSet, std::size_t> known_;
  std::vector<std::pair<std::size_t, SchemaSet>> open_;
  std::size_t sequences_ = 0;
};

}  // namespace

std::string_view basic_grammar_rules() { return kBasicRules; }

Result<SchemaGrammar> grammar_of(const SchemaTree& tree, SchemaHabits habits, SchemaWork& work) {
  bool takes_long = false;
  for (const Extent& extent : {Extent{256, true}, Extent{16, true}, Extent{16, false}, Extent{1, false}}) {
    SchemaWork share = work.share(work.left() / 2);  // what is left is for the smaller ones
    auto grammar = GrammarWriter(tree, habits, share, extent).write();
    takes_long = share.is_over();
    if (grammar && !takes_long) return std::move(*grammar);
  }
  return fail(ErrorCode::InvalidArgument,
              takes_long ? "the JSON schema is too large: it would take too long to make its grammar"
                         : "the JSON schema is too large: its grammar would have more than 1 MiB");
}

}  // namespace llama::internal
