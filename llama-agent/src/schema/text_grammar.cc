#include <algorithm>
#include <array>
#include <format>
#include <string_view>

#include "value_grammar.h"

namespace llama::internal {
namespace {

// The control characters that JSON has a letter for.
constexpr std::array<std::pair<char32_t, char>, 5> kEscapeLetters{
    {{'\b', 'b'}, {'\t', 't'}, {'\n', 'n'}, {'\f', 'f'}, {'\r', 'r'}}};

// One of these characters as JSON writes it: itself, or escaped where it must be.
std::string json_character(const CodePoints& characters) {
  CodePoints escaped({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}, {0xD800, 0xDFFF}});
  CodePoints others = characters.complement();
  others.add(escaped);
  const CodePoints plain = others.complement();
  std::string text = plain.empty() ? "" : gbnf_class(plain);
  const auto add = [&](const std::string& one) { text += (text.empty() ? "" : " | ") + one; };
  std::string letters, low, high;  // of \n, \u000X, \u001X
  for (const char c : {'"', '\\'}) {
    if (characters.contains(static_cast<unsigned char>(c))) letters += c == '"' ? "\\\"" : "\\\\";
  }
  for (char32_t c = 0; c < 0x20; ++c) {
    if (!characters.contains(c)) continue;
    const auto* letter = std::ranges::find(kEscapeLetters, c, &std::pair<char32_t, char>::first);
    if (letter != kEscapeLetters.end()) {
      letters += letter->second;
    } else {
      const std::string digit = std::format("{:x}", static_cast<unsigned>(c % 16));
      (c < 16 ? low : high) += digit + (digit[0] >= 'a' ? std::format("{:X}", static_cast<unsigned>(c % 16)) : "");
    }
  }
  if (!letters.empty()) add(std::format(R"("\\" [{}])", letters));
  if (!low.empty()) add(std::format(R"("\\u000" [{}])", low));
  if (!high.empty()) add(std::format(R"("\\u001" [{}])", high));
  if (characters.contains(0x7F)) add(R"("\\u007" [fF])");
  return text.contains('|') || text.contains(' ') ? "(" + text + ")" : text;
}

// Nothing where no character of them can be written.
std::optional<GrammarRules::Item> character_item(const CodePoints& characters, GrammarMaking& making) {
  constexpr std::size_t kMaxInlineBytes = 40, kWorkOfARange = 40;
  making.work.spend(kWorkOfARange * (1 + characters.ranges().size()));
  std::string text = json_character(characters);
  if (text.empty()) return std::nullopt;
  if (text.size() <= kMaxInlineBytes) return GrammarRules::Item{.text = std::move(text)};
  const auto [known, is_new] = making.class_rules.try_emplace(text, 0);
  if (is_new) known->second = making.rules.add({{{.text = std::move(text)}}});
  return GrammarRules::Item{.rule = known->second};
}

GrammarSequences plain_text(std::int64_t least, std::optional<std::int64_t> most) {
  GrammarRules::Item character{.text = "char", .least = least, .most = most.value_or(GrammarRules::kEndless)};
  return {{{.text = R"("\"")"}, std::move(character), {.text = R"("\"")"}}};
}

}  // namespace

std::optional<GrammarSequences> automaton_sequences(std::span<const TextRule> rules, std::int64_t least,
                                                    std::optional<std::int64_t> most, GrammarMaking& making) {
  const auto automaton = text_automaton(rules, least, most, making.automaton_work);
  constexpr std::size_t kMaxRules = kMaxGrammarRules / 5 * 4;  // of which each state is one: others have to follow
  if (!automaton || making.rules.size() + automaton->states.size() > kMaxRules) return std::nullopt;
  if (automaton->states.empty()) return GrammarSequences();
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < automaton->states.size(); ++i) numbers.push_back(making.rules.reserve());
  std::vector<std::optional<GrammarRules::Item>> characters;
  for (const auto& set : automaton->sets) characters.push_back(character_item(set, making));
  for (std::size_t i = 0; i < automaton->states.size(); ++i) {
    GrammarSequences sequences;
    for (const auto& [set, target] : automaton->states[i].steps) {
      if (characters[set]) sequences.push_back({*characters[set], {.rule = numbers[target]}});
    }
    if (automaton->states[i].may_end) sequences.push_back({{.text = R"("\"")"}});
    making.rules.fill(numbers[i], std::move(sequences));
  }
  return GrammarSequences{{{.text = R"("\"")"}, {.rule = numbers[0]}}};
}

GrammarSequences text_sequences(const SchemaSet& nodes, GrammarMaking& making) {
  std::int64_t least = 0;
  std::optional<std::int64_t> most;
  std::vector<TextRule> rules;
  const auto note_all = [&](bool patterns, bool lengths) {
    for (const auto* node : nodes) {
      if (patterns && node->pattern != nullptr) making.remarks.add("pattern", *node);
      if (patterns && node->format != nullptr) making.remarks.add("format", *node);
      if (lengths && node->min_length) making.remarks.add("minLength", *node);
      if (lengths && node->max_length) making.remarks.add("maxLength", *node);
    }
  };
  for (const auto* node : nodes) {
    least = std::max(least, node->min_length.value_or(0));
    if (node->max_length) most = std::min(most.value_or(*node->max_length), *node->max_length);
    for (const auto& pattern : {node->pattern, node->format}) {
      if (pattern != nullptr) rules.push_back({&pattern->expression()});
    }
  }
  if (most && least > *most) return {};
  if (rules.empty()) {
    const bool too_long = most && *most > kMaxRepetitions, too_short = least > kMaxRepetitions;
    if (too_long || too_short) note_all(false, true);
    return plain_text(std::min(least, kMaxRepetitions), too_long ? std::nullopt : most);
  }
  auto sequences = automaton_sequences(rules, least, most, making);
  if (!sequences && (least > 0 || most)) {
    sequences = automaton_sequences(rules, 0, std::nullopt, making);
    if (sequences) note_all(false, true);
  }
  if (sequences) return std::move(*sequences);
  note_all(true, false);
  return plain_text(std::min(least, kMaxRepetitions), most && *most > kMaxRepetitions ? std::nullopt : most);
}

}  // namespace llama::internal
