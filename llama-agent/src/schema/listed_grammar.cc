#include <algorithm>
#include <iterator>

#include "llama-base/utf8.h"
#include "value_grammar.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxSideBySide = 64;
constexpr std::size_t kMaxLeaves = 16;  // of a list that is taken apart

// llama.cpp follows all alternatives of a rule at once and compares each with each: thousands of values that begin
// alike are written as what they begin with, and what may follow.
class ListWriter {
 public:
  explicit ListWriter(GrammarMaking& making) : making_(making) {}

  // Of texts in order that begin with the same `at` bytes, what follows those.
  std::size_t write(std::span<const std::string> texts, std::size_t at) {
    GrammarSequences sequences;
    while (!texts.empty()) {
      const auto group = texts.size() <= kMaxLeaves ? texts.first(1) : texts.first(alike(texts, at));
      texts = texts.subspan(group.size());
      const std::size_t shared = group.size() == 1 ? group[0].size() : shared_by(group, at);
      GrammarRules::Sequence sequence;
      if (shared > at) sequence.push_back({.text = gbnf_literal(std::string_view(group[0]).substr(at, shared - at))});
      if (group.size() > 1) sequence.push_back({.rule = write(group, shared)});
      sequences.push_back(std::move(sequence));
    }
    return making_.rules.add(std::move(sequences));
  }

 private:
  static std::string_view character_at(const std::string& text, std::size_t at) {
    return at < text.size() ? std::string_view(text).substr(at, decode(text, at).length) : std::string_view();
  }

  // How many of them have the first one's next character.
  static std::size_t alike(std::span<const std::string> texts, std::size_t at) {
    const auto first = character_at(texts[0], at);
    const auto other = std::ranges::find_if(texts, [&](const auto& text) { return character_at(text, at) != first; });
    return static_cast<std::size_t>(std::distance(texts.begin(), other));
  }

  // In order, what the first and the last one share all share.
  static std::size_t shared_by(std::span<const std::string> texts, std::size_t at) {
    const std::string &first = texts.front(), &last = texts.back();
    while (at < first.size() && character_at(first, at) == character_at(last, at)) at += character_at(first, at).size();
    return at;
  }

  GrammarMaking& making_;
};

}  // namespace

GrammarSequences listed_sequences(std::vector<std::string> texts, GrammarMaking& making) {
  if (texts.size() <= kMaxSideBySide) {
    GrammarSequences sequences;
    for (const auto& text : texts) sequences.push_back({{.text = gbnf_literal(text)}});
    return sequences;
  }
  std::ranges::sort(texts);
  const auto repeated = std::ranges::unique(texts);
  texts.erase(repeated.begin(), repeated.end());
  const auto [known, is_new] = making.lists.try_emplace(std::move(texts), 0);
  if (is_new) known->second = ListWriter(making).write(known->first, 0);
  return {{{.rule = known->second}}};
}

}  // namespace llama::internal
