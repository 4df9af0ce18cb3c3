#include "text_automaton.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

#include "expression_states.h"
#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

using Kind = RegularExpression::Kind;

// Characters that no set tells apart.
struct CharacterClass {
  std::vector<std::uint64_t> in{};  // of each set a bit: does it have them?
  std::vector<CodePoints::Range> ranges{};

  [[nodiscard]] bool is_in(std::size_t set) const { return (in[set / 64] >> (set % 64) & 1U) != 0; }
};

std::vector<CharacterClass> character_classes(const std::vector<const CodePoints*>& sets, SchemaWork& work) {
  constexpr std::size_t kWorkOfACut = 30;
  // Where a set begins or has ended.
  std::vector<std::pair<char32_t, std::size_t>> cuts;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    for (const auto& [first, last] : sets[i]->ranges()) {
      cuts.emplace_back(first, i);
      if (last < kMaxCodePoint) cuts.emplace_back(last + 1, i);
    }
  }
  std::ranges::sort(cuts);
  std::map<std::vector<std::uint64_t>, std::vector<CodePoints::Range>> by_sets;
  std::vector<std::uint64_t> in((sets.size() + 63) / 64);
  std::size_t at = 0;
  for (char32_t first = 0; !work.is_over();) {
    for (; at < cuts.size() && cuts[at].first == first; ++at) in[cuts[at].second / 64] ^= 1ULL << cuts[at].second % 64;
    const bool is_last = at == cuts.size();
    by_sets[in].emplace_back(first, is_last ? kMaxCodePoint : cuts[at].first - 1);
    work.spend(kWorkOfACut + 4 * in.size());
    if (is_last) break;
    first = cuts[at].first;
  }
  std::vector<CharacterClass> classes;
  for (auto& [its, ranges] : by_sets) classes.push_back({.in = its, .ranges = std::move(ranges)});
  return classes;
}

class ProductWalk {
 public:
  ProductWalk(std::span<const TextRule> rules, std::int64_t least, std::optional<std::int64_t> most, SchemaWork& work)
      : rules_(rules), least_(least), most_(most), work_(work) {
    std::vector<const CodePoints*> sets;
    for (const auto& rule : rules) {
      if (work_.is_over()) return;
      parts_.emplace_back(*rule.expression);
      work_.spend(parts_.back().work());
      looks_at_words_ = looks_at_words_ || parts_.back().looks_at_words();
    }
    for (const auto& part : parts_) {
      if (part.too_large()) return;
      first_sets_.push_back(sets.size());
      for (const auto& set : part.sets()) sets.push_back(&set);
    }
    words_ = sets.size();
    if (looks_at_words_) sets.push_back(&word_characters());
    classes_ = character_classes(sets, work_);
  }

  std::optional<TextAutomaton> walk() {
    if (std::ranges::any_of(parts_, [](const auto& part) { return part.too_large(); })) return std::nullopt;
    Place start{.possible = std::vector<std::vector<std::size_t>>(parts_.size(), {0})};
    number_of(std::move(start));
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_.size() > kMaxTextStates || work_.is_over()) return std::nullopt;
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
  // What is possible in an expression when a character comes.
  struct Before {
    bool has_matched = false;
    std::vector<std::size_t> consuming{};  // the states that want it
  };

  std::size_t number_of(Place place) {
    constexpr std::size_t kWorkOfAPlace = 50;
    std::size_t size = kWorkOfAPlace;
    for (const auto& possible : place.possible) size += 2 + possible.size();
    work_.spend(size);
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
    const auto before_other = before(place, Beside::Other);
    const auto before_word = looks_at_words_ ? before(place, Beside::Word) : before_other;
    std::map<std::size_t, std::vector<std::size_t>> steps;  // by the state that they lead to: the classes
    for (std::size_t c = 0; c < classes_.size() && !work_.is_over(); ++c) {
      const bool is_word = looks_at_words_ && classes_[c].is_in(words_);
      Place next{.before = is_word ? Beside::Word : Beside::Other,
                 .length = most_ ? place.length + 1 : std::min(place.length + 1, least_)};
      bool is_dead = false;  // nothing that must match can match any more
      for (std::size_t i = 0; i < parts_.size() && !is_dead; ++i) {
        next.possible.push_back(step(i, place, (is_word ? before_word : before_other)[i], classes_[c]));
        is_dead = rules_[i].matches ? next.possible[i].empty() : is_matched(i, next.possible[i]);
      }
      if (!is_dead) steps[number_of(std::move(next))].push_back(c);
    }
    for (auto& [target, classes] : steps)
      automaton_.states[number].steps.emplace_back(set_of(std::move(classes)), target);
  }

  std::vector<Before> before(const Place& place, Beside here) {
    std::vector<Before> all(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      all[i].has_matched = is_matched(i, place.possible[i]);
      if (all[i].has_matched) continue;
      const auto reached = reached_by(i, place, here);
      all[i].has_matched = is_matched(i, reached);
      const auto& states = parts_[i].states();
      std::ranges::copy_if(reached, std::back_inserter(all[i].consuming),
                           [&](std::size_t at) { return states[at].set.has_value(); });
    }
    return all;
  }

  std::vector<std::size_t> step(std::size_t part, const Place& place, const Before& before, const CharacterClass& by) {
    const ExpressionStates& states = parts_[part];
    if (before.has_matched) {
      return is_matched(part, place.possible[part]) ? place.possible[part] : std::vector{states.end()};
    }
    std::vector<std::size_t> next;
    for (const std::size_t at : before.consuming) {
      const auto& state = states.states()[at];
      if (by.is_in(first_sets_[part] + *state.set)) next.insert(next.end(), state.next.begin(), state.next.end());
    }
    work_.spend(1 + before.consuming.size() / 4 + 2 * next.size());
    std::ranges::sort(next);
    const auto repeated = std::ranges::unique(next);
    next.erase(repeated.begin(), repeated.end());
    return next;
  }

  std::vector<std::size_t> reached_by(std::size_t part, const Place& place, Beside here) {
    auto reached = parts_[part].closure(place.possible[part], place.before, here);
    work_.spend(10 + 3 * reached.size() + parts_[part].states().size() / 64);
    return reached;
  }

  // The characters of these classes, as one of the automaton's sets.
  std::size_t set_of(std::vector<std::size_t> classes) {
    constexpr std::size_t kWorkOfAMember = 10;
    work_.spend(classes.size());
    const auto [known, is_new] = set_numbers_.try_emplace(std::move(classes), automaton_.sets.size());
    if (is_new) {
      std::vector<CodePoints::Range> ranges;
      for (const std::size_t c : known->first)
        ranges.insert(ranges.end(), classes_[c].ranges.begin(), classes_[c].ranges.end());
      work_.spend(kWorkOfAMember * ranges.size());
      automaton_.sets.emplace_back(std::move(ranges));
    }
    return known->second;
  }

  // Once an expression has matched, whatever follows does not matter to it.
  [[nodiscard]] bool is_matched(std::size_t part, const std::vector<std::size_t>& possible) const {
    return std::ranges::contains(possible, parts_[part].end());
  }

  [[nodiscard]] bool may_end(const Place& place) {
    if (place.length < least_) return false;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (is_matched(i, reached_by(i, place, Beside::Nothing)) != rules_[i].matches) return false;
    }
    return true;
  }

  // Without the states from which no text ends.
  [[nodiscard]] TextAutomaton trimmed() {
    const auto& states = automaton_.states;
    std::vector<std::vector<std::size_t>> back(states.size());
    std::vector<std::size_t> open;
    std::vector<bool> ends(states.size());
    for (std::size_t i = 0; i < states.size(); ++i) {
      for (const auto& [set, target] : states[i].steps) back[target].push_back(i);
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
      for (const auto& [set, target] : states[i].steps) {
        if (ends[target]) state.steps.emplace_back(set, numbers[target]);
      }
    }
    kept.sets = std::move(automaton_.sets);
    return kept;
  }

  std::span<const TextRule> rules_;
  std::int64_t least_;
  std::optional<std::int64_t> most_;
  std::vector<ExpressionStates> parts_;
  std::vector<std::size_t> first_sets_;  // of each expression: where its sets begin among those of all
  std::vector<CharacterClass> classes_;
  bool looks_at_words_ = false;
  std::size_t words_ = 0;  // the set of \w among those of all
  std::map<Place, std::size_t> numbers_;
  std::map<std::vector<std::size_t>, std::size_t> set_numbers_;  // by classes
  std::vector<const Place*> places_;
  TextAutomaton automaton_;
  SchemaWork& work_;
};

}  // namespace

std::optional<TextAutomaton> text_automaton(std::span<const TextRule> rules, std::int64_t least,
                                            std::optional<std::int64_t> most, SchemaWork& work) {
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
