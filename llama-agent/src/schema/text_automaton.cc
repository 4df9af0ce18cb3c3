#include "text_automaton.h"

#include <algorithm>
#include <map>
#include <set>

#include "expression_states.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

using Kind = RegularExpression::Kind;

// Characters that no set tells apart.
struct CharacterClass {
  CodePoints members{};
  char32_t example = 0;
};

std::vector<CharacterClass> character_classes(const std::vector<const CodePoints*>& sets) {
  std::set<char32_t> cuts{0};
  for (const auto* set : sets) {
    for (const auto& [first, last] : set->ranges()) {
      cuts.insert(first);
      if (last < kMaxCodePoint) cuts.insert(last + 1);
    }
  }
  std::map<std::vector<bool>, std::vector<CodePoints::Range>> by_sets;
  for (auto cut = cuts.begin(); cut != cuts.end(); ++cut) {
    std::vector<bool> in;
    for (const auto* set : sets) in.push_back(set->contains(*cut));
    const auto next = std::next(cut);
    by_sets[std::move(in)].emplace_back(*cut, next == cuts.end() ? kMaxCodePoint : *next - 1);
  }
  std::vector<CharacterClass> classes;
  for (auto& [in, ranges] : by_sets) {
    const char32_t example = ranges.front().first;
    classes.push_back({.members = CodePoints(std::move(ranges)), .example = example});
  }
  return classes;
}

class ProductWalk {
 public:
  ProductWalk(std::span<const TextRule> rules, std::int64_t least, std::optional<std::int64_t> most, std::size_t& work)
      : rules_(rules), least_(least), most_(most), work_(work) {
    std::vector<const CodePoints*> sets;
    for (const auto& rule : rules) {
      parts_.emplace_back(*rule.expression);
      looks_at_words_ = looks_at_words_ || parts_.back().looks_at_words();
    }
    for (const auto& part : parts_) {
      for (const auto& set : part.sets()) sets.push_back(&set);
    }
    if (looks_at_words_) sets.push_back(&word_characters());
    classes_ = character_classes(sets);
  }

  std::optional<TextAutomaton> walk() {
    if (std::ranges::any_of(parts_, [](const auto& part) { return part.too_large(); })) return std::nullopt;
    Place start{.possible = std::vector<std::vector<std::size_t>>(parts_.size(), {0})};
    number_of(std::move(start));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_.size() > kMaxTextStates || work_ == 0) return std::nullopt;
      visit(i);
    }
    return trimmed();
  }

 private:
  struct Place {
    std::vector<std::vector<std::size_t>> possible{};  // of each expression
    Beside before = Beside::Nothing;
    std::int64_t length = 0;  // as far as it matters
    auto operator<=>(const Place&) const = default;
  };

  std::size_t number_of(Place place) {
    const auto [known, is_new] = numbers_.try_emplace(std::move(place), places_.size());
    if (is_new) {
      places_.push_back(&known->first);
      automaton_.states.emplace_back();
    }
    return known->second;
  }

  void visit(std::size_t number) {
    const Place& place = *places_[number];
    automaton_.states[number].may_end = may_end(place);
    if (most_ && place.length >= *most_) return;
    std::map<std::size_t, CodePoints> steps;
    for (const auto& one : classes_) {
      const bool is_word = looks_at_words_ && word_characters().contains(one.example);
      const Beside here = is_word ? Beside::Word : Beside::Other;
      Place next{.before = here, .length = most_ ? place.length + 1 : std::min(place.length + 1, least_)};
      for (std::size_t i = 0; i < parts_.size(); ++i) next.possible.push_back(step(i, place, here, one.example));
      // Nothing that must match can match any more.
      const auto dead = [&](std::size_t i) {
        return rules_[i].matches ? next.possible[i].empty() : is_matched(i, next.possible[i]);
      };
      bool is_dead = false;
      for (std::size_t i = 0; i < parts_.size(); ++i) is_dead = is_dead || dead(i);
      if (!is_dead) steps[number_of(std::move(next))].add(one.members);
    }
    for (auto& [target, characters] : steps)
      automaton_.states[number].steps.emplace_back(std::move(characters), target);
  }

  std::vector<std::size_t> step(std::size_t part, const Place& place, Beside here, char32_t character) {
    const ExpressionStates& states = parts_[part];
    if (is_matched(part, place.possible[part])) return place.possible[part];
    const auto reached = states.closure(place.possible[part], place.before, here);
    work_ -= std::min(work_, reached.size() + 1 + states.states().size() / 64);
    std::set<std::size_t> next;
    for (const std::size_t at : reached) {
      const auto& state = states.states()[at];
      if (at == states.end()) return {states.end()};
      if (state.set && states.sets()[*state.set].contains(character)) next.insert(state.next.begin(), state.next.end());
    }
    return {next.begin(), next.end()};
  }

  // Once an expression has matched, whatever follows does not matter to it.
  [[nodiscard]] bool is_matched(std::size_t part, const std::vector<std::size_t>& possible) const {
    return std::ranges::contains(possible, parts_[part].end());
  }

  [[nodiscard]] bool may_end(const Place& place) const {
    if (place.length < least_) return false;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const auto reached = parts_[i].closure(place.possible[i], place.before, Beside::Nothing);
      if (is_matched(i, reached) != rules_[i].matches) return false;
    }
    return true;
  }

  // Without the states from which no text ends.
  [[nodiscard]] TextAutomaton trimmed() const {
    const auto& states = automaton_.states;
    std::vector<std::vector<std::size_t>> back(states.size());
    std::vector<std::size_t> open;
    std::vector<bool> ends(states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      for (const auto& [characters, target] : states[i].steps) back[target].push_back(i);
      if (states[i].may_end) open.push_back(i);
    }
    while (!open.empty()) {
      const std::size_t at = open.back();
      open.pop_back();
      if (ends[at]) continue;
      ends[at] = true;
      open.insert(open.end(), back[at].begin(), back[at].end());
    }
    TextAutomaton kept;
    if (!ends[0]) return kept;
    std::vector<std::size_t> numbers(states.size());
    for (std::size_t i = 0, next = 0; i < states.size(); ++i) numbers[i] = ends[i] ? next++ : 0;
    for (std::size_t i = 0; i < states.size(); ++i) {
      if (!ends[i]) continue;
      auto& state = kept.states.emplace_back(TextAutomaton::State{.may_end = states[i].may_end});
      for (const auto& [characters, target] : states[i].steps) {
        if (ends[target]) state.steps.emplace_back(characters, numbers[target]);
      }
    }
    return kept;
  }

  std::span<const TextRule> rules_;
  std::int64_t least_;
  std::optional<std::int64_t> most_;
  std::vector<ExpressionStates> parts_;
  std::vector<CharacterClass> classes_;
  bool looks_at_words_ = false;
  std::map<Place, std::size_t> numbers_;
  std::vector<const Place*> places_;
  TextAutomaton automaton_;
  std::size_t& work_;
};

}  // namespace

std::optional<TextAutomaton> text_automaton(std::span<const TextRule> rules, std::int64_t least,
                                            std::optional<std::int64_t> most, std::size_t& work) {
  return ProductWalk(rules, least, most, work).walk();
}

RegularExpression one_of(std::span<const std::string_view> texts) {
  RegularExpression choice{.kind = Kind::Choice};
  for (const auto text : texts) {
    RegularExpression sequence;
    for (std::size_t at = 0; at < text.size();) {
      const auto [character, length] = decode(text, at);
      sequence.parts.push_back({.kind = Kind::Characters, .characters = CodePoints({{character, character}})});
      at += length;
    }
    choice.parts.push_back(std::move(sequence));
  }
  RegularExpression whole;
  whole.parts.push_back({.kind = Kind::Begin});
  whole.parts.push_back(std::move(choice));
  whole.parts.push_back({.kind = Kind::End});
  return whole;
}

}  // namespace llama::internal
