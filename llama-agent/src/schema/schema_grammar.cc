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
constexpr int kMaxAutomatonWork = 5'000'000;  // of all texts of a schema together

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

class GrammarWriter {
 public:
  GrammarWriter(const SchemaTree& tree, SchemaHabits habits, std::size_t max_sets, std::size_t automaton_work)
      : making_{.tree = tree,
                .habits = habits,
                .check = SchemaCheck(tree),
                .rule_of_position = [this](SchemaSet position) { return rule_of(std::move(position)); },
                .max_sets = max_sets,
                .automaton_work = automaton_work} {}

  // A worklist, not recursion: a rule is named before its body is written. Nothing: the grammar would be too large.
  std::optional<Result<SchemaGrammar>> write() {
    const std::size_t root = rule_of({making_.tree.root});
    while (!open_.empty()) {
      auto [rule, position] = std::move(open_.back());
      open_.pop_back();
      making_.rules.fill(rule, sequences_of(position));
      if (making_.rules.size() > kMaxGrammarRules || sequences_ > kMaxSequences) return std::nullopt;
    }
    auto text = making_.rules.text(root);
    if (!text) return fail(ErrorCode::InvalidArgument, "the JSON schema allows nothing: no document fits it");
    if (text->size() + kBasicRules.size() > kMaxGrammarBytes) return std::nullopt;
    return SchemaGrammar{.gbnf = *text + std::string(kBasicRules), .unenforced = making_.remarks.list()};
  }

 private:
  std::size_t rule_of(SchemaSet position) {
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
    for (const auto& nodes : choices_of(position, making_.tree, making_.remarks, making_.max_sets)) {
      for (auto& sequence : of_set(nodes)) all.push_back(std::move(sequence));
      if (sequences_ + all.size() > kMaxSequences) break;  // write() gives up
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

  // Listed values are few: those that fit everything are written out.
  GrammarSequences of_values(const SchemaNode& listed, const SchemaSet& nodes) {
    GrammarSequences sequences;
    SchemaCheck& check = making_.check;
    for (const auto& value : *listed.values) {
      const nlohmann::json compared = value;
      const auto fits = [&](const SchemaNode* node) { return check.may_fit(*node, compared); };
      if (std::ranges::all_of(nodes, fits)) sequences.push_back({{.text = gbnf_literal(value.dump())}});
    }
    return sequences;
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
  std::map<SchemaSet, std::size_t> known_;
  std::vector<std::pair<std::size_t, SchemaSet>> open_;
  std::size_t sequences_ = 0;
};

}  // namespace

std::string_view basic_grammar_rules() { return kBasicRules; }

Result<SchemaGrammar> grammar_of(const SchemaTree& tree, SchemaHabits habits) {
  // Fewer choices taken apart, and no patterns, make a smaller grammar and leave more to the check.
  for (const auto& [max_sets, work] :
       {std::pair{256, kMaxAutomatonWork}, std::pair{16, kMaxAutomatonWork}, std::pair{16, 0}, std::pair{1, 0}}) {
    auto grammar =
        GrammarWriter(tree, habits, static_cast<std::size_t>(max_sets), static_cast<std::size_t>(work)).write();
    if (grammar) return std::move(*grammar);
  }
  return fail(ErrorCode::InvalidArgument, "the JSON schema is too large: its grammar would have more than 1 MiB");
}

}  // namespace llama::internal
