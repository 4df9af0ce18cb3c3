// One regular expression as states with steps for characters (Thompson's construction).
//
// A state without characters leads on at once, if what it asserts holds where it stands.
// Cost     one or two states per character of the expression, repetitions written out; at most kMaxExpressionStates.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "regular_expression.h"

namespace llama::internal {

constexpr std::size_t kMaxExpressionStates = 20'000;

// What stands beside a place in a text.
enum class Beside : std::uint8_t { Nothing, Word, Other };

class ExpressionStates {
 public:
  struct State {
    std::optional<std::size_t> set{};  // of sets(): consumes one of these characters
    std::optional<RegularExpression::Kind> assertion{};
    std::vector<std::size_t> next{};
  };

  // "Somewhere in the text": any characters before it and any after it. The first state is 0.
  explicit ExpressionStates(const RegularExpression& expression);

  [[nodiscard]] bool too_large() const { return states_.size() > kMaxExpressionStates; }
  [[nodiscard]] const std::vector<State>& states() const { return states_; }
  [[nodiscard]] const std::vector<CodePoints>& sets() const { return sets_; }
  [[nodiscard]] bool looks_at_words() const { return looks_at_words_; }
  [[nodiscard]] std::size_t work() const { return work_; }  // that they took, in units of SchemaWork
  [[nodiscard]] std::size_t end() const { return end_; }    // whoever comes here has matched

  // Every state that is reached without a character between these two.
  [[nodiscard]] std::vector<std::size_t> closure(const std::vector<std::size_t>& from, Beside before,
                                                 Beside behind) const;

 private:
  std::size_t add(State state);
  std::size_t number_of(const CodePoints& set);
  void append(const RegularExpression& expression, std::size_t first,
              std::size_t last);  // states from one to the other
  void append_repetition(const RegularExpression& repetition, std::size_t first, std::size_t last);

  std::vector<State> states_;
  std::vector<CodePoints> sets_{CodePoints({{0, kMaxCodePoint}})};
  std::map<CodePoints, std::size_t> set_numbers_{{sets_[0], 0}};
  std::size_t end_ = 0, work_ = 0;
  bool looks_at_words_ = false;
};

}  // namespace llama::internal
