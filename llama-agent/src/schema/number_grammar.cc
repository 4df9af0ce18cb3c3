#include "number_grammar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <format>
#include <string_view>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

constexpr std::int64_t kMaxInteger = 999'999'999'999'999;  // the longest that the basic rules write
constexpr int kMaxFractionDigits = 15;

// Alternatives that may be none at all.
class Choices {
 public:
  void add(std::string one) { all_.push_back(std::move(one)); }
  void add(const std::optional<std::string>& one) {
    if (one) all_.push_back(*one);
  }
  [[nodiscard]] std::optional<std::string> text() const {
    if (all_.empty()) return std::nullopt;
    std::string text;
    for (const auto& one : all_) text += (text.empty() ? "" : " | ") + one;
    return all_.size() == 1 ? text : "(" + text + ")";
  }

 private:
  std::vector<std::string> all_;
};

std::string digit_from(char first, char last) {
  return first == last ? std::format("\"{}\"", first) : std::format("[{}-{}]", first, last);
}

std::string any_digits(std::size_t count) {
  return count == 0 ? "\"\"" : count == 1 ? "[0-9]" : std::format("[0-9]{{{}}}", count);
}

// Numbers of as many digits as both bounds have.
std::string same_length(std::string_view low, std::string_view high) {
  if (low.empty()) return "\"\"";
  if (low.find_first_not_of('0') == std::string_view::npos && high.find_first_not_of('9') == std::string_view::npos) {
    return any_digits(low.size());
  }
  const std::string nines(low.size() - 1, '9'), zeros(low.size() - 1, '0');
  if (low[0] == high[0]) return digit_from(low[0], low[0]) + " " + same_length(low.substr(1), high.substr(1));
  Choices choices;
  choices.add(digit_from(low[0], low[0]) + " " + same_length(low.substr(1), nines));
  if (high[0] - low[0] > 1) {
    choices.add(digit_from(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)) + " " +
                any_digits(low.size() - 1));
  }
  choices.add(digit_from(high[0], high[0]) + " " + same_length(zeros, high.substr(1)));
  return *choices.text();
}

// 0 <= low.
std::optional<std::string> naturals_between(std::int64_t low, std::int64_t high) {
  if (low > high) return std::nullopt;
  if (low == 0 && high == kMaxInteger) return "natural";
  const std::string first = std::to_string(low), last = std::to_string(high);
  Choices choices;
  for (std::size_t length = first.size(); length <= last.size(); ++length) {
    const std::string from = length == first.size() ? first : "1" + std::string(length - 1, '0');
    choices.add(same_length(from, length == last.size() ? last : std::string(length, '9')));
  }
  return choices.text();
}

// What follows an integer part so that the fraction, digits without trailing zeros, lies between two fractions.
// Without an upper one: below 1. `room` is how many digits may still come.
struct Fraction {
  std::string_view digits;
  bool belongs;
};

std::optional<std::string> fraction_digits(Fraction low, std::optional<Fraction> high, int room) {
  const bool at_low = low.digits.empty(), at_high = high && high->digits.empty();
  if (at_low && low.belongs && !high) return room == 0 ? "\"\"" : std::format("[0-9]{{0,{}}}", room);
  // It may end here when what was written is itself between the two.
  const bool may_end = at_low && low.belongs && (!at_high || high->belongs);
  Choices choices;
  if (room > 0) {
    const char from = at_low ? '0' : low.digits[0];
    const char to = !high ? '9' : at_high ? '0' : high->digits[0];
    const Fraction low_rest{at_low ? low.digits : low.digits.substr(1), low.belongs};
    const auto high_rest =
        high ? std::optional(Fraction{at_high ? high->digits : high->digits.substr(1), high->belongs}) : std::nullopt;
    const auto then = [&](char digit, Fraction l, std::optional<Fraction> h) {
      if (auto rest = fraction_digits(l, h, room - 1)) choices.add(digit_from(digit, digit) + " " + *rest);
    };
    const Fraction from_zero{"", true};
    if (from == to && high) {
      then(from, low_rest, high_rest);
    } else if (from < to || !high) {
      const bool low_is_free = at_low && low.belongs;
      if (!low_is_free) then(from, low_rest, std::nullopt);
      const char first = low_is_free ? from : static_cast<char>(from + 1);
      const char last = high ? static_cast<char>(to - 1) : '9';
      if (first <= last) choices.add(digit_from(first, last) + std::format(" [0-9]{{0,{}}}", room - 1));
      if (high) then(to, from_zero, high_rest);
    }
  }
  if (may_end) choices.add(std::string("\"\""));
  return choices.text();
}

// As above, with the point; a number without a fraction has the fraction 0.
std::optional<std::string> fraction_between(Fraction low, std::optional<Fraction> high) {
  Choices choices;
  const bool whole = low.digits.empty() && low.belongs && (!high || !high->digits.empty() || high->belongs);
  if (whole) choices.add(std::string("\"\""));
  // At least one digit stands behind the point: the first is written here, so that "1." is no number.
  for (char digit = '0'; digit <= '9'; ++digit) {
    const char from = low.digits.empty() ? '0' : low.digits[0];
    const char to = !high ? '9' : high->digits.empty() ? '0' : high->digits[0];
    if (digit < from || digit > to) continue;
    const Fraction below = digit > from ? Fraction{"", true}
                                        : Fraction{low.digits.empty() ? low.digits : low.digits.substr(1), low.belongs};
    std::optional<Fraction> above;
    if (high && digit == to)
      above = Fraction{high->digits.empty() ? high->digits : high->digits.substr(1), high->belongs};
    if (auto rest = fraction_digits(below, above, kMaxFractionDigits - 1)) {
      choices.add(std::format(R"("." "{}" )", digit) + *rest);
    }
  }
  return choices.text();
}

// A bound that is not negative: 12.5 is "12" and "5".
struct Decimal {
  std::int64_t whole = 0;
  std::string fraction{};
  bool belongs = true;
};

std::optional<Decimal> decimal_of(double value, bool belongs) {
  if (value > static_cast<double>(kMaxInteger)) return std::nullopt;
  std::string text = std::format("{:.{}f}", value, kMaxFractionDigits);
  double read = 0;
  std::from_chars(text.data(), text.data() + text.size(), read);
  if (read != value) return std::nullopt;
  const std::size_t point = text.find('.');
  Decimal decimal{.fraction = text.substr(point + 1), .belongs = belongs};
  // Digits that only say how a double is stored ("0.1" is 0.1000000000000000055…) are not the author's.
  const std::string shortest = std::format("{}", value);
  if (!shortest.contains('e')) {
    const std::size_t its = shortest.find('.');
    decimal.fraction = its == std::string::npos ? "" : shortest.substr(its + 1);
  }
  while (decimal.fraction.ends_with('0')) decimal.fraction.pop_back();
  if (decimal.fraction.size() >= static_cast<std::size_t>(kMaxFractionDigits)) return std::nullopt;
  std::from_chars(text.data(), text.data() + point, decimal.whole);
  return decimal;
}

std::optional<std::string> decimals_between(const Decimal& low, const std::optional<Decimal>& high) {
  if (high && high->whole < low.whole) return std::nullopt;
  const Fraction below{low.fraction, low.belongs};
  const auto above = high ? std::optional(Fraction{high->fraction, high->belongs}) : std::nullopt;
  const auto with = [](std::optional<std::string> whole, const std::optional<std::string>& fraction) {
    return whole && fraction ? std::optional(*whole + " " + *fraction) : std::nullopt;
  };
  if (high && high->whole == low.whole) {
    if (low.fraction > high->fraction) return std::nullopt;
    return with(naturals_between(low.whole, low.whole), fraction_between(below, above));
  }
  Choices choices;
  choices.add(with(naturals_between(low.whole, low.whole), fraction_between(below, std::nullopt)));
  const std::string any = std::format("(\".\" [0-9]{{1,{}}})?", kMaxFractionDigits);
  if (const auto between = naturals_between(low.whole + 1, high ? high->whole - 1 : kMaxInteger))
    choices.add(*between + " " + any);
  if (high) choices.add(with(naturals_between(high->whole, high->whole), fraction_between({"", true}, above)));
  return choices.text();
}

}  // namespace

std::optional<std::string> integers_between(std::optional<NumberBound> low, std::optional<NumberBound> high) {
  const auto limit = static_cast<double>(kMaxInteger);
  if (!low && !high) return "integer";
  if ((low && low->value > limit) || (high && high->value < -limit)) return std::nullopt;
  std::int64_t least = -kMaxInteger, most = kMaxInteger;
  if (low && low->value > -limit) {
    const double rounded = std::ceil(low->value);
    least = static_cast<std::int64_t>(rounded) + (rounded == low->value && !low->belongs ? 1 : 0);
  }
  if (high && high->value < limit) {
    const double rounded = std::floor(high->value);
    most = static_cast<std::int64_t>(rounded) - (rounded == high->value && !high->belongs ? 1 : 0);
  }
  Choices choices;
  choices.add(naturals_between(std::max<std::int64_t>(0, least), most));
  if (const auto negative = naturals_between(std::max<std::int64_t>(1, -most), -least))
    choices.add("\"-\" " + *negative);
  return choices.text().value_or("");
}

std::optional<std::string> numbers_between(std::optional<NumberBound> low, std::optional<NumberBound> high) {
  if (!low && !high) return "number";
  Choices choices;
  // Those that are not negative, then the mirror image of those that are.
  if (!high || high->value >= 0) {
    const auto from = low && low->value >= 0 ? decimal_of(low->value, low->belongs) : Decimal{};
    const auto to = high ? decimal_of(high->value, high->belongs) : std::nullopt;
    if (!from || (high && !to)) return std::nullopt;
    choices.add(decimals_between(*from, to));
  }
  if (!low || low->value < 0) {
    const auto from = high && high->value < 0 ? decimal_of(-high->value, high->belongs)
                                              : Decimal{.belongs = !high || high->value > 0 || high->belongs};
    const auto to = low ? decimal_of(-low->value, low->belongs) : std::nullopt;
    if (!from || (low && !to)) return std::nullopt;
    if (const auto negative = decimals_between(*from, to)) choices.add("\"-\" " + *negative);
  }
  return choices.text().value_or("");
}

}  // namespace llama::internal
