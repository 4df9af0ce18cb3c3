#include "template_bounds.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <format>
#include <utility>

#include "template_budget.h"
#include "template_functions.h"
#include "template_values.h"

namespace llama::internal {
namespace {

using minja::ArgumentsValue;
using minja::Context;
using minja::Value;

// minja's own `loop.cycle` is called with a place that a shorter list does not have, and outlives what it refers to.
void bound_cycle(Context& context) {
  Value loop = context.get("loop");
  if (!loop.is_object()) return;
  const Value index = loop.get(Value("index0"));
  if (!index.is_number_integer()) return;
  const auto turn = static_cast<std::size_t>(std::max<std::int64_t>(0, index.get<std::int64_t>()));
  loop.set("cycle",
           callable([turn](const auto& a, const auto&) { return argument(a, a.empty() ? 0 : turn % a.size()); }));
}

std::vector<Value> numbers_of_range(const ArgumentsValue& arguments, TemplateBudget& bounds) {
  const auto& given = arguments.args;
  if (given.size() > 3) fail_template("range() has at most three arguments");
  Value low, high, stride;
  if (given.size() == 1) high = given[0];
  if (given.size() > 1) low = given[0], high = given[1];
  if (given.size() > 2) stride = given[2];
  for (const auto& [name, value] : arguments.kwargs) {
    Value* const its = name == "start" ? &low : name == "end" ? &high : name == "step" ? &stride : nullptr;
    if (its == nullptr || !its->is_null()) fail_template("range() is given what it does not know");
    *its = value;
  }
  if (high.is_null()) fail_template("range() without an end");
  const auto number = [](const Value& value, std::int64_t otherwise) {
    return value.is_null() ? otherwise : value.get<std::int64_t>();
  };
  const std::int64_t begin = number(low, 0), end = number(high, 0), step = number(stride, 1);
  if (step == 0) fail_template("range() goes by 0");
  // Without a sign: a difference may be larger than any number with one.
  const auto distance = [](std::int64_t from, std::int64_t to) {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  };
  if (step > 0 ? begin >= end : begin <= end) return {};
  const std::uint64_t way = step > 0 ? distance(begin, end) : distance(end, begin);
  const std::uint64_t stride_size = step > 0 ? static_cast<std::uint64_t>(step) : distance(step, 0);
  const std::uint64_t count = (way - 1) / stride_size + 1;
  if (count > static_cast<std::uint64_t>(kMaxSteps)) {
    fail_template(std::format("a range of more than {} numbers", kMaxSteps));
  }
  bounds.step(static_cast<std::int64_t>(count));
  std::vector<Value> numbers;
  for (std::uint64_t i = 0; i < count; ++i) {
    numbers.emplace_back(
        static_cast<std::int64_t>(static_cast<std::uint64_t>(begin) + i * static_cast<std::uint64_t>(step)));
  }
  return numbers;
}

// Without memory it may stay as it is.
bool forget_all(Context& context) {
  try {
    for (const auto& key : context.keys()) context.set(key, Value());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

OwnedContexts::~OwnedContexts() {
  for (const auto& context : all_) forget_all(*context);
}

void OwnedContexts::add(std::shared_ptr<Context> context) {
  if (all_.empty() || all_.back() != context) all_.push_back(std::move(context));
}

void add_bounds(Context& context, OwnedContexts& owned, const std::vector<std::string>& texts, std::size_t source) {
  const auto bounds = std::make_shared<TemplateBudget>();
  const auto bytes_in = [](const std::vector<Value>& a) { return a.empty() ? 0 : a[0].get<std::int64_t>(); };
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  context.set("llama_step", Value::callable([=](const std::shared_ptr<Context>& c, ArgumentsValue& arguments) {
                bounds->step();
                bounds->write(bytes_in(arguments.args));
                bound_cycle(*c);
                return Value();
              }));
  context.set("llama_own", Value::callable([=, &owned](const std::shared_ptr<Context>& c, ArgumentsValue&) {
                bounds->step();
                owned.add(c);
                return Value();
              }));
  set("llama_bounded", [bounds](const auto& a, const auto&) {
    bounds->step();
    const std::int64_t size = a.empty() ? 0 : size_of(a[0]);
    refuse_large(size);
    bounds->look(size);
    return Value();
  });
  set("llama_item", [bounds](const auto& a, const auto&) {
    const ValueSize found = a.empty() ? ValueSize() : measured(a[0]);
    refuse_large(found.size);
    bounds->look(found.elements);
    return Value();
  });
  set("llama_out", [bounds](const auto& a, const auto& named) {
    if (a.size() != 1 || !named.empty()) fail_template("an expression of several parts");
    const std::int64_t size = size_of(a[0]);
    refuse_large(size);
    bounds->write(size);
    return a[0];
  });
  set("llama_enter", [=](const auto& a, const auto&) {
    bounds->step();
    bounds->write(bytes_in(a));
    bounds->enter();
    return Value();
  });
  set("llama_leave", [bounds](const auto&, const auto&) {
    bounds->leave();
    return Value();
  });
  // Before `{% break %}` and `{% continue %}`: minja throws, and counts the source's lines in each block on the way.
  set("llama_jump", [bounds, source](const auto&, const auto&) {
    bounds->look(static_cast<std::int64_t>(source));
    return Value();
  });
  set("llama_text", [&texts](const auto& a, const auto&) {
    return Value(texts.at(static_cast<std::size_t>(argument(a, 0).template get<std::int64_t>())));
  });
  context.set("range", Value::callable([bounds](const std::shared_ptr<Context>&, ArgumentsValue& arguments) {
                return Value::array(numbers_of_range(arguments, *bounds));
              }));
  add_growing(context, bounds);
}

}  // namespace llama::internal
