#include "grammar_rules.h"

#include <algorithm>
#include <format>
#include <unordered_set>
#include <utility>

namespace llama::internal {
namespace {

std::string gbnf_character(char32_t c) {
  const bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  if (is_plain) return {static_cast<char>(c)};
  const auto number = static_cast<unsigned>(c);
  return c < 0x100     ? std::format("\\x{:02X}", number)
         : c < 0x10000 ? std::format("\\u{:04X}", number)
                       : std::format("\\U{:08X}", number);
}

std::string gbnf_times(const GrammarRules::Item& item) {
  if (item.least == 1 && item.most == 1) return "";
  if (item.most == GrammarRules::kEndless) {
    return item.least == 0 ? "*" : item.least == 1 ? "+" : std::format("{{{},}}", item.least);
  }
  if (item.least == 0 && item.most == 1) return "?";
  return std::format("{{{},{}}}", item.least, item.most);
}

}  // namespace

std::size_t GrammarRules::reserve() {
  rules_.emplace_back();
  return rules_.size() - 1;
}

void GrammarRules::fill(std::size_t rule, std::vector<Sequence> sequences) {
  constexpr std::size_t kWorkOfARule = 50, kWorkOfAnItem = 40;
  work_->spend(kWorkOfARule);
  std::vector<Sequence> different;
  std::unordered_set<std::string> seen;
  for (auto& sequence : sequences) {
    std::string key;
    for (const auto& item : sequence) {
      work_->spend(kWorkOfAnItem + item.text.size());
      key +=
          std::format("{} {} {} {}\n", item.text, item.rule ? std::to_string(*item.rule) : "", item.least, item.most);
    }
    if (seen.insert(std::move(key)).second) different.push_back(std::move(sequence));
  }
  rules_[rule] = std::move(different);
}

std::size_t GrammarRules::add(std::vector<Sequence> sequences) {
  const std::size_t rule = reserve();
  fill(rule, std::move(sequences));
  return rule;
}

// Which rules a text of finite length fits: a sequence does when all its rules do. A worklist: when a rule turns out to
// be fruitful, only the sequences that name it are looked at again.
std::vector<bool> GrammarRules::fruitful() const {
  struct Waiting {
    std::size_t rule, missing;
  };
  std::vector<Waiting> sequences;
  std::vector<std::vector<std::size_t>> named_in(rules_.size());
  std::vector<bool> is_fruitful(rules_.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    for (const auto& sequence : rules_[i]) {
      std::size_t missing = 0;
      for (const auto& item : sequence) {
        if (!item.rule || item.least == 0) continue;
        named_in[*item.rule].push_back(sequences.size());
        ++missing;
      }
      sequences.push_back({i, missing});
      if (missing == 0) open.push_back(i);
    }
  }
  while (!open.empty()) {
    const std::size_t rule = open.back();
    open.pop_back();
    if (is_fruitful[rule]) continue;
    is_fruitful[rule] = true;
    for (const std::size_t sequence : named_in[rule]) {
      if (--sequences[sequence].missing == 0) open.push_back(sequences[sequence].rule);
    }
  }
  return is_fruitful;
}

std::optional<std::string> GrammarRules::text(std::size_t root) const {
  const auto is_fruitful = fruitful();
  if (!is_fruitful[root]) return std::nullopt;
  std::string text;
  std::vector<std::size_t> numbers(rules_.size()), open{root};
  std::size_t next = 1;
  numbers[root] = next++;
  const auto name_of = [&](std::size_t rule) {
    if (numbers[rule] == 0) numbers[rule] = next++, open.push_back(rule);
    return numbers[rule] == 1 ? std::string("root") : std::format("r{}", numbers[rule]);
  };
  for (std::size_t at = 0; at < open.size(); ++at) {  // NOLINT(modernize-loop-convert): it grows
    text += name_of(open[at]) + " ::=";
    bool is_first = true;
    for (const auto& sequence : rules_[open[at]]) {
      const auto cannot_be = [&](const Item& item) { return item.rule && item.least > 0 && !is_fruitful[*item.rule]; };
      if (std::ranges::any_of(sequence, cannot_be)) continue;
      std::string words;
      for (const auto& item : sequence) {
        if (item.most == 0 || (item.rule && !is_fruitful[*item.rule])) continue;
        words += " " + (item.rule ? name_of(*item.rule) : item.text) + gbnf_times(item);
      }
      text += (is_first ? "" : " |") + (words.empty() ? " \"\"" : words);
      is_first = false;
    }
    text += "\n";
  }
  return text;
}

std::string gbnf_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

std::string gbnf_class(const CodePoints& characters) {
  std::string text = "[";
  for (const auto& [first, last] : characters.ranges()) {
    text += gbnf_character(first);
    if (last != first) text += "-" + gbnf_character(last);
  }
  return text + "]";
}

}  // namespace llama::internal
