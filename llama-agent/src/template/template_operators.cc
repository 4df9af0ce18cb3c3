// Arithmetic, elements and parts, which minja does without looking at what it is given.
//
// Cost     an element of a list is found at once, that of a text by going over the whole text; else what is made.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "template_functions.h"
#include "template_values.h"

namespace llama::internal {
namespace {

using minja::Context;
using minja::Value;

std::int64_t whole_number(const Value& value) { return value.get<std::int64_t>(); }

Value product_of(const Value& x, const Value& y) {
  if (x.is_number_integer() && y.is_number_integer()) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(whole_number(x), whole_number(y), &product)) {
      fail_template("a product is too large");
    }
    return Value(product);  // NOLINT(modernize-return-braced-init-list)
  }
  if (!x.is_string() && !y.is_string()) return x * y;
  const std::string text = text_of(x.is_string() ? x : y);
  const auto count = std::max<std::int64_t>(0, whole_number(x.is_string() ? y : x));
  if (count > kMaxValueSize) refuse_large(count);
  refuse_large(std::ssize(text) * count);
  std::string repeated;
  for (std::int64_t i = 0; i < count; ++i) repeated += text;
  return Value(repeated);  // NOLINT(modernize-return-braced-init-list)
}

// `//` and `%` as Python has them: the quotient is rounded down, and the remainder has the divisor's sign.
struct Division {
  std::int64_t quotient, remainder;
};
Division divided(std::int64_t x, std::int64_t y) {
  if (y == 0) fail_template("a division by 0");
  if (y == -1) {
    if (x == std::numeric_limits<std::int64_t>::min()) fail_template("a quotient is too large");
    return {-x, 0};
  }
  Division found{x / y, x % y};
  if (found.remainder != 0 && (found.remainder < 0) != (y < 0)) {
    --found.quotient;
    found.remainder += y;
  }
  return found;
}

// What a division is told as: whole where both are.
Value quotient_of(const Value& x, const Value& y, bool is_remainder) {
  if (x.is_number_integer() && y.is_number_integer()) {
    const Division found = divided(whole_number(x), whole_number(y));
    return Value(is_remainder ? found.remainder : found.quotient);  // NOLINT(modernize-return-braced-init-list)
  }
  const auto a = x.get<double>(), b = y.get<double>();
  if (b == 0) fail_template("a division by 0");
  const double quotient = std::floor(a / b);
  return Value(is_remainder ? a - quotient * b : quotient);  // NOLINT(modernize-return-braced-init-list)
}

Value ratio_of(const Value& x, const Value& y) {
  const auto divisor = y.get<double>();
  if (divisor == 0) fail_template("a division by 0");
  return Value(x.get<double>() / divisor);  // NOLINT(modernize-return-braced-init-list)
}

// A character of a text has no properties, but asking for one is no error.
Value element_of(const Value& value, const Value& index) {
  if (value.is_null()) fail_template("an element of what is not defined");
  const auto place = [&](std::size_t size) {
    const std::int64_t wished = whole_number(index);
    return static_cast<std::size_t>(wished < 0 ? wished + static_cast<std::int64_t>(size) : wished);
  };
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    const auto places = character_places(text);
    const std::size_t at = place(places.size() - 1);
    return at < places.size() - 1 ? Value(text.substr(places[at], places[at + 1] - places[at])) : Value();
  }
  if (value.is_array()) return place(value.size()) < value.size() ? value.at(place(value.size())) : Value();
  return value.is_object() && value.contains(index) ? value.at(index) : Value();
}

// The places that `x[from:to:step]` takes of so many, as Python's slice.indices() has them.
struct SlicePlaces {
  std::int64_t from, to, step;
};
SlicePlaces places_of_slice(std::int64_t count, const Value& from, const Value& to, const Value& step) {
  SlicePlaces all{.from = 0, .to = 0, .step = step.is_null() ? 1 : whole_number(step)};
  if (all.step == 0) fail_template("a slice goes by 0");
  all.step = std::clamp(all.step, -count - 1, count + 1);
  const std::int64_t low = all.step < 0 ? -1 : 0, high = all.step < 0 ? count - 1 : count;
  const auto place = [&](const Value& wished, std::int64_t otherwise) {
    if (wished.is_null()) return otherwise;
    const std::int64_t at = whole_number(wished);
    return at < 0 ? std::max(at + count, low) : std::min(at, high);
  };
  all.from = place(from, all.step < 0 ? high : low);
  all.to = place(to, all.step < 0 ? low : high);
  return all;
}

Value slice_of(const Value& value, const Value& from, const Value& to, const Value& step) {
  const auto each = [](const SlicePlaces& places, const auto& take) {
    for (std::int64_t i = places.from; places.step > 0 ? i < places.to : i > places.to; i += places.step) {
      take(static_cast<std::size_t>(i));
    }
  };
  if (value.is_string()) {
    const auto text = value.get<std::string>();
    const auto characters = character_places(text);
    std::string part;
    each(places_of_slice(std::ssize(characters) - 1, from, to, step),
         [&](std::size_t i) { part.append(text, characters[i], characters[i + 1] - characters[i]); });
    return Value(part);  // NOLINT(modernize-return-braced-init-list)
  }
  if (!value.is_array()) fail_template("a part of what is no text and no list");
  std::vector<Value> part;
  each(places_of_slice(static_cast<std::int64_t>(value.size()), from, to, step),
       [&](std::size_t i) { part.push_back(value.at(i)); });
  return Value::array(part);
}

}  // namespace

void add_operators(Context& context) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  set("llama_times", [](const auto& a, const auto&) { return product_of(argument(a, 0), argument(a, 1)); });
  set("llama_divide", [](const auto& a, const auto&) { return ratio_of(argument(a, 0), argument(a, 1)); });
  set("llama_quotient", [](const auto& a, const auto&) { return quotient_of(argument(a, 0), argument(a, 1), false); });
  set("llama_remainder", [](const auto& a, const auto&) { return quotient_of(argument(a, 0), argument(a, 1), true); });
  set("llama_at", [](const auto& a, const auto&) { return element_of(argument(a, 0), argument(a, 1)); });
  set("llama_slice", [](const auto& a, const auto&) {
    return slice_of(argument(a, 0), argument(a, 1), argument(a, 2), a.size() > 3 ? a[3] : Value());
  });
}

}  // namespace llama::internal
