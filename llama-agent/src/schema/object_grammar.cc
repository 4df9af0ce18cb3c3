#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <utility>

#include "schema_check.h"
#include "value_grammar.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxNamePatterns = 4;       // whose combinations are told apart
constexpr std::size_t kMaxExcludedBytes = 2'000;  // of names that an other name must not be
constexpr std::size_t kMaxCountedRules = 4'000;

// Members come in the schema's order, each there or not. A rule for each place in that order and each number of members
// before it: what may follow. The number is counted as far as minProperties and maxProperties need it, and to know
// whether a comma comes first.
// Cost     members times the larger bound.
class ObjectWriter {
 public:
  ObjectWriter(const SchemaSet& nodes, GrammarMaking& making) : nodes_(nodes), making_(making) {}

  GrammarSequences write() {
    gather();
    if (most_ && least_ > *most_) return {};
    for (const auto& name : names_) {
      if (making_.work.is_over()) return {};
      const bool is_required = required_.contains(name);
      members_.push_back(
          {making_.rules.add({{{.text = gbnf_literal(quoted(name)) + R"( ":" " "?)"}, {.rule = value_of(name)}}}),
           is_required});
    }
    write_others();
    count_up_to_ = std::max<std::int64_t>(1, most_ ? std::max(*most_, least_) : least_);
    if (members_.size() * static_cast<std::size_t>(count_up_to_ + 1) > kMaxCountedRules ||
        count_up_to_ > kMaxRepetitions) {
      for (const auto* node : nodes_) {
        if (node->min_properties) making_.remarks.add("minProperties", *node);
        if (node->max_properties) making_.remarks.add("maxProperties", *node);
      }
      least_ = 0, most_.reset(), count_up_to_ = 1;
    }
    return {{{.text = R"("{" ws)"}, {.rule = write_members()}, {.text = R"(ws "}")"}}};
  }

 private:
  struct Member {
    std::size_t rule;
    bool is_required;
  };

  static std::string quoted(const std::string& name) { return nlohmann::json(name).dump(); }

  void gather() {
    bool is_open = false, speaks_of_others = false;
    for (const auto* node : nodes_) {
      for (const auto& [name, its] : node->properties) add_name(name);
      least_ = std::max(least_, node->min_properties.value_or(0));
      if (node->max_properties) most_ = std::min(most_.value_or(*node->max_properties), *node->max_properties);
      speaks_of_others =
          speaks_of_others || node->additional_properties != nullptr || !node->pattern_properties.empty();
      for (const auto& pattern : node->pattern_properties) patterns_.push_back(pattern.first.get());
      if (node->unevaluated_properties != nullptr) making_.remarks.add("unevaluatedProperties", *node);
      if (!node->dependent_required.empty()) making_.remarks.add("dependentRequired", *node);
      if (!node->dependent_schemas.empty()) making_.remarks.add("dependentSchemas", *node);
      if (node->property_names != nullptr) speaks_of_others = true;
    }
    is_open = names_.empty() || speaks_of_others || making_.habits == SchemaHabits::Exact;
    for (const auto* node : nodes_) {
      for (const auto& name : node->required) {
        add_name(name);
        required_.insert(name);
      }
    }
    has_others_ = is_open;
  }

  void add_name(const std::string& name) {
    if (seen_.insert(name).second) names_.push_back(name);
  }

  // What the value of a member must fit.
  std::size_t value_of(const std::string& name) {
    constexpr std::size_t kWorkOfALookUp = 10, kWorkOfAMatch = 30;
    SchemaSet position;
    for (const auto* node : nodes_) {
      bool is_named = false;
      making_.work.spend(kWorkOfALookUp + node->pattern_properties.size() * (kWorkOfAMatch + name.size() / 4) +
                         position.size() / 8);
      if (const auto* its = node->property(name)) add(position, its), is_named = true;
      for (const auto& [pattern, its] : node->pattern_properties) {
        if (pattern->matches(name)) add(position, its), is_named = true;
      }
      if (!is_named && node->additional_properties != nullptr) add(position, node->additional_properties);
      if (node->property_names != nullptr && !making_.check.may_fit(*node->property_names, nlohmann::json(name))) {
        return making_.rules.add({});
      }
    }
    return making_.rule_of_position(std::move(position));
  }

  static void add(SchemaSet& position, const SchemaNode* node) {
    if (!std::ranges::contains(position, node)) position.push_back(node);
  }

  // Members whose names the schema does not list: one alternative for each way in which patterns match a name.
  void write_others() {
    if (!has_others_) return;
    note_property_names();
    if (patterns_.size() > kMaxNamePatterns) {
      for (const auto* node : nodes_) {
        if (!node->pattern_properties.empty() || node->additional_properties != nullptr)
          making_.remarks.add("patternProperties", *node);
      }
      others_ = making_.rules.add({{{.text = R"(string ":" " "? value)"}}});
      return;
    }
    GrammarSequences choices;
    for (std::size_t matched = 0; matched < (std::size_t{1} << patterns_.size()); ++matched) {
      SchemaSet position;
      std::size_t bit = 0;
      for (const auto* node : nodes_) {
        bool is_named = false;
        for (const auto& [pattern, its] : node->pattern_properties) {
          if ((matched >> bit++ & 1U) != 0) add(position, its), is_named = true;
        }
        if (!is_named && node->additional_properties != nullptr) add(position, node->additional_properties);
      }
      if (std::ranges::any_of(position, [](const auto* node) { return node->allows_nothing; })) continue;
      auto name = name_sequences(matched);
      if (name.empty()) continue;
      const std::size_t value = making_.rule_of_position(std::move(position));
      choices.push_back({{.rule = making_.rules.add(std::move(name))}, {.text = R"(":" " "?)"}, {.rule = value}});
    }
    others_ = making_.rules.add(std::move(choices));
  }

  GrammarSequences name_sequences(std::size_t matched) {
    std::vector<TextRule> rules = name_rules_;
    for (std::size_t i = 0; i < patterns_.size(); ++i)
      rules.push_back({&patterns_[i]->expression(), (matched >> i & 1U) != 0});
    std::vector<std::string_view> listed(names_.begin(), names_.end());
    std::size_t bytes = 0;
    for (const auto name : listed) bytes += name.size();
    const bool excludes = !listed.empty() && bytes <= kMaxExcludedBytes;
    const RegularExpression excluded = excludes ? one_of(listed) : RegularExpression();
    constexpr std::size_t kWorkOfANamesByte = 20;
    making_.work.spend(listed.size() + (excludes ? kWorkOfANamesByte * bytes : 0));
    if (excludes) rules.push_back({&excluded, false});
    if (!listed.empty() && !excludes) note_others();
    if (rules.empty() && !name_least_ && !name_most_) return {{{.text = "string"}}};
    if (auto sequences = automaton_sequences(rules, name_least_.value_or(0), name_most_, making_)) return *sequences;
    note_others();
    return {{{.text = "string"}}};
  }

  void note_others() {
    for (const auto* node : nodes_) {
      if (node->additional_properties != nullptr) making_.remarks.add("additionalProperties", *node);
      if (!node->pattern_properties.empty()) making_.remarks.add("patternProperties", *node);
      if (node->property_names != nullptr) making_.remarks.add("propertyNames", *node);
    }
  }

  // A rule for names is looked into where it is a length or a pattern.
  void note_property_names() {
    for (const auto* node : nodes_) {
      const SchemaNode* its = node->property_names;
      if (its == nullptr) continue;
      if (its->allows_nothing || (its->types & kString) == 0) {
        most_ = std::min<std::int64_t>(most_.value_or(0), 0);
        continue;
      }
      if (its->has_applicators() || its->values) {
        making_.remarks.add("propertyNames", *node);
        continue;
      }
      for (const auto& pattern : {its->pattern, its->format}) {
        if (pattern != nullptr) name_rules_.push_back({&pattern->expression()});
      }
      if (its->min_length) name_least_ = std::max(name_least_.value_or(0), *its->min_length);
      if (its->max_length) name_most_ = std::min(name_most_.value_or(*its->max_length), *its->max_length);
    }
  }

  // From the back, for each number of members before: what may follow.
  std::size_t write_members() {
    const auto counts = static_cast<std::size_t>(count_up_to_) + 1;
    std::vector<std::size_t> following(counts);
    for (std::size_t count = 0; count < counts; ++count) following[count] = write_end(static_cast<std::int64_t>(count));
    for (const auto& member : std::views::reverse(members_)) {
      std::vector<std::size_t> here(counts);
      for (std::size_t count = 0; count < counts; ++count) {
        GrammarSequences sequences;
        const std::size_t next = following[std::min(count + 1, counts - 1)];
        GrammarRules::Sequence with{{.rule = member.rule}, {.rule = next}};
        if (count > 0) with.insert(with.begin(), kComma);
        if (!most_ || std::cmp_less(count, *most_)) sequences.push_back(std::move(with));
        if (!member.is_required) sequences.push_back({{.rule = following[count]}});
        here[count] = making_.rules.add(std::move(sequences));
      }
      following = std::move(here);
    }
    return following[0];
  }

  // Behind the listed members: others, as many as are still needed or allowed.
  std::size_t write_end(std::int64_t before) {
    const std::int64_t needed = std::max<std::int64_t>(0, least_ - before);
    const std::int64_t room = most_ ? std::max<std::int64_t>(0, *most_ - before) : GrammarRules::kEndless;
    GrammarSequences sequences;
    if (others_ && room != 0) {
      const GrammarRules::Item other{.rule = others_};
      const std::size_t behind = making_.rules.add({{kComma, other}});
      const std::int64_t first = before == 0 ? 1 : 0;  // comes without a comma
      GrammarRules::Item more{.rule = behind,
                              .least = std::max<std::int64_t>(0, needed - first),
                              .most = room == GrammarRules::kEndless ? room : room - first};
      if (first == 1) {
        sequences.push_back({other, std::move(more)});
      } else {
        sequences.push_back({std::move(more)});
      }
    }
    if (needed == 0) sequences.emplace_back();
    return making_.rules.add(std::move(sequences));
  }

  inline static const GrammarRules::Item kComma{.text = R"("," ws)"};

  const SchemaSet& nodes_;
  GrammarMaking& making_;
  std::set<std::string> seen_, required_;
  std::vector<std::string> names_;
  std::vector<const Pattern*> patterns_;
  std::vector<TextRule> name_rules_;
  std::optional<std::int64_t> name_least_, name_most_, most_;
  std::int64_t least_ = 0, count_up_to_ = 1;
  bool has_others_ = false;
  std::optional<std::size_t> others_;
  std::vector<Member> members_;
};

}  // namespace

GrammarSequences object_sequences(const SchemaSet& nodes, GrammarMaking& making) {
  return ObjectWriter(nodes, making).write();
}

}  // namespace llama::internal
