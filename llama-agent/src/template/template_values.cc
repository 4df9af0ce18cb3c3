#include "template_values.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

namespace llama::internal {
namespace {

using minja::ArgumentsValue;
using minja::Context;
using minja::Value;

constexpr std::int64_t kCallCost = 64;  // of a condition or a filter that is called for an element, in looks

// The place of a list's or a dict's first element, which no other one has. Null: it has no element.
const void* first_place(const Value& value) {
  if (value.is_array()) return value.empty() ? nullptr : &value.at(std::size_t{0});
  if (!value.is_object()) return nullptr;
  Value object = value;
  const auto keys = object.keys();
  return keys.empty() ? nullptr : &object.at(keys.front());
}

bool is_loop(const Value& object) {
  return object.contains("revindex0") && object.contains("cycle") && object.at(Value("cycle")).is_callable();
}

enum class Inside { No, Itself, TooMuch };

// Is a list or a dict, known by its first place, somewhere in a value? minja gives a loop the elements before and
// behind its own, so that an element which holds the loop will hold itself.
Inside look_inside(const Value& value, const void* place, std::int64_t& left, int depth = 0) {
  if (!value.is_array() && !value.is_object()) return Inside::No;
  left -= 1 + static_cast<std::int64_t>(value.size());
  if (left < 0 || depth > kMaxValueDepth) return Inside::TooMuch;
  if (place != nullptr && first_place(value) == place) return Inside::Itself;
  if (value.is_object() && is_loop(value)) return Inside::Itself;
  Value parent = value;
  const auto keys = value.is_object() ? parent.keys() : std::vector<Value>();
  const std::size_t count = value.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Inside found = look_inside(value.is_object() ? parent.at(keys[i]) : parent.at(i), place, left, depth + 1);
    if (found != Inside::No) return found;
  }
  return Inside::No;
}

// An element was put into a list or a dict; where that is more than may be, it is taken out again.
template <class TakeOut>
void check_inside(const Value& element, const Value& owner, TakeOut&& take_out) {
  std::int64_t left = kMaxValueSize;
  const Inside found = look_inside(element, first_place(owner), left);
  if (found == Inside::No) return;
  take_out();
  if (found == Inside::TooMuch) refuse_large(kMaxValueSize + 1);
  fail_template("a list or a dict would hold itself, or a loop");
}

std::int64_t refused_or_size(const Value& value) {
  const std::int64_t size = size_of(value);
  refuse_large(size);
  return size;
}

Value joined_texts(const std::vector<Value>& parts, TemplateBudget& budget) {
  std::string text;
  for (const Value& part : parts) {
    refuse_large(std::ssize(text) + size_of(part));
    if (part.is_string()) {
      text += *part.get<const std::string*>();
    } else {
      text += part.to_str();
    }
    refuse_large(std::ssize(text));
  }
  budget.join(std::ssize(text));
  return Value(text);  // NOLINT(modernize-return-braced-init-list): braces would make a list of it
}

Value sum_of_two(const Value& x, const Value& y, bool is_difference, TemplateBudget& budget) {
  if (x.is_number_integer() && y.is_number_integer()) {
    std::int64_t sum = 0;
    const auto a = x.get<std::int64_t>(), b = y.get<std::int64_t>();
    if (is_difference ? __builtin_sub_overflow(a, b, &sum) : __builtin_add_overflow(a, b, &sum)) {
      fail_template("a sum is too large");
    }
    return Value(sum);  // NOLINT(modernize-return-braced-init-list)
  }
  if (is_difference) return x - y;
  if (x.is_number() && y.is_number()) return x + y;
  refuse_large(refused_or_size(x) + refused_or_size(y));
  Value sum = x + y;
  budget.join(refused_or_size(sum));
  return sum;
}

// Operands, with "+" or "-" between them.
Value sum_of(const std::vector<Value>& words, TemplateBudget& budget) {
  Value sum = argument(words, 0);
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    sum = sum_of_two(sum, words[i + 1], words[i].get<std::string>() == "-", budget);
  }
  return sum;
}

// Element by element, so that what is made of them cannot be more than a value may be.
Value mapped(const Value& plain, const std::shared_ptr<Context>& context, const ArgumentsValue& arguments,
             TemplateBudget& budget) {
  std::int64_t cost = kCallCost, size = 0;
  for (std::size_t i = 1; i < arguments.args.size(); ++i) cost += refused_or_size(arguments.args[i]);
  for (const auto& [name, value] : arguments.kwargs) cost += refused_or_size(value);
  std::vector<Value> made;
  for (const Value& element : elements(arguments.args.front())) {
    budget.look(cost);
    ArgumentsValue one = arguments;
    one.args.front() = Value::array({element});
    made.push_back(plain.call(context, one).at(std::size_t{0}));
    size += size_of(made.back());
    refuse_large(size);
  }
  return Value::array(made);
}

// Filters that call others by their names: ours keep count, and are no filters.
void bound_filter(Context& context, std::string_view filter, const std::shared_ptr<TemplateBudget>& budget) {
  const Value plain = context.get(Value(std::string(filter)));
  const bool is_map = filter == "map";
  const auto call = [plain, is_map, budget](const std::shared_ptr<Context>& c, ArgumentsValue& arguments) {
    for (std::size_t i = 1; i < arguments.args.size(); ++i) {
      const Value& name = arguments.args[i];
      if (name.is_string() && name.get<std::string>().starts_with("llama_")) fail_template("there is no such filter");
    }
    const bool has_elements =
        !arguments.args.empty() && (arguments.args.front().is_array() || arguments.args.front().is_string());
    if (has_elements && is_map) return mapped(plain, c, arguments, *budget);
    if (has_elements) {
      if (arguments.args.front().is_string()) arguments.args.front() = Value::array(elements(arguments.args.front()));
      budget->look(static_cast<std::int64_t>(arguments.args.front().size()) * kCallCost);
    }
    return plain.call(c, arguments);
  };
  context.set(Value(std::string(filter)), Value::callable(call));
}

void add_lists(Context& context, const std::shared_ptr<TemplateBudget>& budget) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  // Lists that are put into one another, again and again, would end the program where they are freed.
  set("llama_append", [budget](const auto& a, const auto&) {
    Value list = argument(a, 0);
    budget->look(refused_or_size(argument(a, 1)));
    list.push_back(a[1]);
    check_inside(a[1], list, [&] { list.pop(Value()); });
    return Value();
  });
  set("llama_insert", [budget](const auto& a, const auto&) {
    Value list = argument(a, 0);
    budget->look(refused_or_size(argument(a, 2)));
    const std::int64_t count = list.is_array() ? static_cast<std::int64_t>(list.size()) : 0;
    const auto wished = a[1].template get<std::int64_t>();
    const auto at =
        static_cast<std::size_t>(wished < 0 ? std::max<std::int64_t>(0, wished + count) : std::min(wished, count));
    list.insert(at, a[2]);
    check_inside(a[2], list, [&] { list.erase(at); });
    return Value();
  });
  set("llama_update", [budget](const auto& a, const auto&) {
    Value object = argument(a, 0), other = argument(a, 1);
    budget->look(refused_or_size(other));
    for (const auto& key : other.keys()) {
      const Value value = other.at(key);  // NOLINT(performance-unnecessary-copy-initialization): may be object's own
      object.set(key, value);
      check_inside(value, object, [&] { object.set(key, Value()); });
    }
    refuse_large(size_of(object));
    return Value();
  });
  // Behind `{% set x.name = … %}`.
  set("llama_field", [budget](const auto& a, const auto&) {
    Value object = argument(a, 0);
    budget->step();
    if (!object.is_object() || !object.contains(argument(a, 1))) return Value();
    const Value value = object.at(a[1]);
    check_inside(value, object, [&] { object.set(a[1], Value()); });
    budget->look(refused_or_size(value));
    return Value();
  });
}

}  // namespace

std::vector<std::size_t> character_places(const std::string& text) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool goes_on = (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
    if (!goes_on || places.empty()) places.push_back(i);
  }
  places.push_back(text.size());
  return places;
}

std::vector<Value> elements(const Value& value) {
  if (value.is_object()) return Value(value).keys();
  std::vector<Value> all;
  if (!value.is_string()) {
    const std::size_t count = value.size();
    for (std::size_t i = 0; i < count; ++i) all.push_back(value.at(i));
    return all;
  }
  const auto text = value.get<std::string>();
  const auto places = character_places(text);
  refuse_large(std::ssize(places) * kElementBytes);
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    all.emplace_back(text.substr(places[i], places[i + 1] - places[i]));
  }
  return all;
}

void add_growing(Context& context, const std::shared_ptr<TemplateBudget>& budget) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  set("llama_joined", [budget](const auto& a, const auto&) { return joined_texts(a, *budget); });
  set("llama_sum", [budget](const auto& a, const auto&) { return sum_of(a, *budget); });
  set("llama_held", [budget](const auto& a, const auto&) {
    budget->look(refused_or_size(argument(a, 0)));
    return a[0];
  });
  const auto each = [](const Value& value) { return value.is_string() ? Value::array(elements(value)) : value; };
  set("llama_each", [each](const auto& a, const auto&) { return each(argument(a, 0)); });
  // What a loop goes over that has a condition.
  set("llama_filtered", [each, budget](const auto& a, const auto&) {
    Value all = each(argument(a, 0));
    if (all.is_iterable()) budget->look(static_cast<std::int64_t>(all.size()) * kCallCost);
    return all;
  });
  set("list", [](const auto& a, const auto&) {
    const Value& value = argument(a, 0);
    return value.is_array() ? value : Value::array(elements(value));
  });
  set("last", [](const auto& a, const auto&) {
    const auto all = elements(argument(a, 0));
    return all.empty() ? Value() : all.back();
  });
  const auto count = [](const auto& a, const auto&) {
    const Value& value = argument(a, 0);
    if (!value.is_string()) return Value(static_cast<std::int64_t>(value.size()));
    return Value(std::ssize(character_places(value.template get<std::string>())) - 1);
  };
  set("length", count);
  set("count", count);
  add_lists(context, budget);
  for (const std::string_view filter : {"map", "select", "reject", "selectattr", "rejectattr"}) {
    bound_filter(context, filter, budget);
  }
}

}  // namespace llama::internal
