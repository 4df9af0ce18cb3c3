// Write the numbers between two bounds as a grammar.
//
// Digit by digit: a number of the same length is at least 472 when its first digit is above 4, or is 4 and the rest is
// at least 72. So a bound of n digits takes n alternatives. Bounded numbers have no exponent.
// Cost     the square of the bounds' digits, which are at most 30.
#pragma once

#include <optional>
#include <string>

namespace llama::internal {

struct NumberBound {
  double value;
  bool belongs = true;
};

// Shape    an expression of GBNF that may name the basic rules `integer` and `number`; "": there is no such number.
// Errors   nothing for a bound that has no short decimal form.
[[nodiscard]] std::optional<std::string> integers_between(std::optional<NumberBound> low,
                                                          std::optional<NumberBound> high);
[[nodiscard]] std::optional<std::string> numbers_between(std::optional<NumberBound> low,
                                                         std::optional<NumberBound> high);

}  // namespace llama::internal
