#include "expression_states.h"

#include <algorithm>
#include <utility>

namespace llama::internal {
namespace {

bool holds(RegularExpression::Kind assertion, Beside before, Beside behind) {
  if (assertion == RegularExpression::Kind::Begin) return before == Beside::Nothing;
  if (assertion == RegularExpression::Kind::End) return behind == Beside::Nothing;
  return ((before == Beside::Word) != (behind == Beside::Word)) == (assertion == RegularExpression::Kind::WordEdge);
}

}  // namespace

ExpressionStates::ExpressionStates(const RegularExpression& expression) {
  const std::size_t before = add({});
  const std::size_t any = add({.set = 0});
  states_[before].next = {any};
  states_[any].next = {before};
  const std::size_t first = add({}), last = add({});
  states_[before].next.push_back(first);
  append(expression, first, last);
  end_ = add({});
  const std::size_t rest = add({.set = 0});
  states_[last].next = {end_};
  states_[end_].next = {rest};
  states_[rest].next = {end_};
}

std::vector<std::size_t> ExpressionStates::closure(const std::vector<std::size_t>& from, Beside before,
                                                   Beside behind) const {
  std::vector<bool> seen(states_.size());
  std::vector<std::size_t> open = from, reached;
  while (!open.empty()) {
    const std::size_t at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    const State& state = states_[at];
    if (state.assertion && !holds(*state.assertion, before, behind)) continue;
    reached.push_back(at);
    if (!state.set) open.insert(open.end(), state.next.begin(), state.next.end());
  }
  std::ranges::sort(reached);
  return reached;
}

std::size_t ExpressionStates::add(State state) {
  constexpr std::size_t kWorkOfAState = 10;
  work_ += kWorkOfAState;
  states_.push_back(std::move(state));
  return states_.size() - 1;
}

std::size_t ExpressionStates::number_of(const CodePoints& set) {
  work_ += set.ranges().size() / 4;
  const auto [known, is_new] = set_numbers_.try_emplace(set, sets_.size());
  if (is_new) sets_.push_back(set);
  return known->second;
}

void ExpressionStates::append(const RegularExpression& expression, std::size_t first, std::size_t last) {
  if (too_large()) return;
  switch (expression.kind) {
    case RegularExpression::Kind::Characters: {
      const std::size_t state = add({.set = number_of(expression.characters), .next = {last}});
      states_[first].next.push_back(state);
      return;
    }
    case RegularExpression::Kind::Sequence:
      for (const auto& part : expression.parts) {
        const std::size_t between = add({});
        append(part, first, between);
        first = between;
      }
      states_[first].next.push_back(last);
      return;
    case RegularExpression::Kind::Choice:
      for (const auto& part : expression.parts) {
        const std::size_t begin = add({});
        states_[first].next.push_back(begin);
        append(part, begin, last);
      }
      return;
    case RegularExpression::Kind::Repetition:
      append_repetition(expression, first, last);
      return;
    default: {
      looks_at_words_ = looks_at_words_ || expression.kind == RegularExpression::Kind::WordEdge ||
                        expression.kind == RegularExpression::Kind::NoWordEdge;
      const std::size_t state = add({.assertion = expression.kind, .next = {last}});
      states_[first].next.push_back(state);
    }
  }
}

void ExpressionStates::append_repetition(const RegularExpression& repetition, std::size_t first, std::size_t last) {
  const RegularExpression& part = repetition.parts[0];
  for (int i = 0; i < repetition.least && !too_large(); ++i) {
    const std::size_t between = add({});
    append(part, first, between);
    first = between;
  }
  if (repetition.most == RegularExpression::kEndless) {
    const std::size_t again = add({});
    states_[first].next.push_back(again);
    append(part, again, again);
    states_[again].next.push_back(last);
    return;
  }
  for (int i = repetition.least; i < repetition.most && !too_large(); ++i) {
    states_[first].next.push_back(last);
    const std::size_t between = add({});
    append(part, first, between);
    first = between;
  }
  states_[first].next.push_back(last);
}

}  // namespace llama::internal
