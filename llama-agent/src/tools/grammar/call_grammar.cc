#include "call_grammar.h"

#include <algorithm>
#include <format>
#include <numeric>
#include <utility>

#include "../../schema/schema_grammar.h"
#include "argument_rules.h"
#include "pattern_text.h"

namespace llama::internal {
namespace {

// White space before the first call: a thought ends with some. A thought may be a message of its own.
std::string lead_rule(std::string_view next_message = {}) {
  return std::format("lead ::= [ \\n\\t]{{0,4}}{}\n",
                     next_message.empty() ? "" : std::format(" ({})?", escaped_literal(next_message)));
}

struct ToolRules {
  std::string arguments;  // the rule's name
  std::string rules;      // "": those that every grammar has
};

// The shortest schemas are read first and the smallest grammars come first, so that one large schema leaves time and
// room for all others.
std::vector<ToolRules> rules_of_tools(const CallPattern& pattern, std::span<const OfferedTool> tools,
                                      std::vector<std::string>& remarks, SchemaBudget& budget) {
  const bool is_json = pattern.parameter.empty();
  const std::string_view anything = is_json ? "object" : "parameters";
  std::vector<ToolRules> all(tools.size());
  std::vector<std::size_t> shortest(tools.size()), order;
  std::ranges::iota(shortest, std::size_t{0});
  std::ranges::stable_sort(shortest, {}, [&](std::size_t i) { return tools[i].parameters.size(); });
  std::vector<std::string> reasons(tools.size());
  for (const std::size_t i : shortest) {
    if (budget.is_stopped()) break;
    const std::string prefix = std::format("t{}", i);
    auto rules = is_json ? object_rules(tools[i].parameters, prefix, budget)
                         : parameter_rules(pattern, tools[i].parameters, prefix, budget);
    all[i].arguments = anything;
    if (rules) {
      all[i].rules = std::move(*rules);
      order.push_back(i);
    } else {
      reasons[i] = rules.error().message;
    }
  }
  std::ranges::sort(order);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return all[i].rules.size(); });
  std::size_t bytes = 0;
  for (const std::size_t i : order) {
    if (bytes + all[i].rules.size() > kMaxToolRules) {
      reasons[i] = std::format("the grammars of all tools together would have more than {} bytes", kMaxToolRules);
      all[i].rules.clear();
    } else {
      bytes += all[i].rules.size();
      all[i].arguments = std::format("t{}-root", i);
    }
  }
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (reasons[i].empty()) continue;
    remarks.push_back(
        std::format("tool '{}' takes any {}: {}", tools[i].name, is_json ? "JSON object" : "parameters", reasons[i]));
  }
  return all;
}

// The names share what comes before them, so that the first tokens of a call do not follow every tool at once.
std::string calls_rule(std::string_view rule, std::string_view text, std::span<const OfferedTool> tools,
                       std::span<const ToolRules> rules) {
  const std::size_t name = text.find("%N");
  const std::string_view before = text.substr(0, name);
  std::string gbnf = std::format("{0} ::= {1} {0}-tools\n{0}-tools ::=", rule, pattern_sequence(before, {}));
  for (std::size_t i = 0; i < tools.size(); ++i) {
    gbnf += (i == 0 ? " " : " | ") + pattern_sequence(text.substr(name), {.name = escaped_literal(tools[i].name),
                                                                          .arguments = rules[i].arguments});
  }
  return gbnf + '\n';
}

bool calls_once(const CallPattern& pattern, const ToolChoice& choice) {
  return !choice.several || pattern.between == kOneCall;
}

}  // namespace

CallGrammars call_grammars(const CallPattern& pattern, std::span<const OfferedTool> tools, const ToolChoice& choice,
                           std::string_view thinking_opener, SchemaBudget& budget) {
  CallGrammars made;
  std::vector<OfferedTool> callable;
  for (const auto& tool : tools) {
    if (choice.kind != ToolChoice::Kind::Named || tool.name == choice.name) callable.push_back(tool);
  }
  const auto rules = rules_of_tools(pattern, callable, made.remarks, budget);
  std::string shared;
  for (const auto& tool : rules) shared += tool.rules;
  if (!pattern.parameter.empty()) shared += any_parameters_rules(pattern);
  shared += basic_grammar_rules();
  shared += lead_rule(pattern.next_message);

  // More calls, and what is behind the last one.
  const std::string more =
      calls_once(pattern, choice) ? "" : std::format(" ({} call)*", pattern_sequence(pattern.between, {}));
  const std::string behind = more + " " + pattern_sequence(pattern.closer, {});
  const std::string calls = calls_rule("call", pattern.call, callable, rules);
  if (choice.kind == ToolChoice::Kind::Required || choice.kind == ToolChoice::Kind::Named) {
    made.whole = std::format("root ::= lead calls{}\ncalls ::= {} call{}\n",
                             thinking_opener.empty() ? "" : " | lead " + escaped_literal(thinking_opener),
                             pattern_sequence(pattern.opener, {}), behind) +
                 calls + shared;
  }
  if (pattern.marker.empty()) return made;
  if (const std::size_t at = pattern.opener.find(pattern.marker); at != std::string_view::npos) {
    const std::string_view rest = pattern.opener.substr(at + pattern.marker.size());
    made.rest = std::format("root ::= {} call{}\n", pattern_sequence(rest, {}), behind) + calls + shared;
  } else {
    const std::string_view rest = pattern.call.substr(pattern.call.find(pattern.marker) + pattern.marker.size());
    made.rest = "root ::= rest\n" + calls_rule("rest", rest, callable, rules) + shared;
  }
  return made;
}

std::string opener_grammar(std::string_view opener, std::string_view thinking_opener) {
  return std::format("root ::= lead {} [^\\x00]*{}\n", escaped_literal(opener),
                     thinking_opener.empty() ? "" : " | lead " + escaped_literal(thinking_opener)) +
         lead_rule();
}

}  // namespace llama::internal
