#include "jinja.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <exception>
#include <format>
#include <memory>
#include <minja/minja.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "template_functions.h"

namespace llama::internal {
namespace {

using minja::ArgumentsValue;
using minja::Context;
using minja::Value;

constexpr std::int64_t kMaxSteps = 500'000;  // of loops and macros
constexpr int kMaxMacroDepth = 64;
constexpr std::size_t kMaxRange = 1'000'000;
constexpr std::int64_t kMaxLooks = 1LL << 28;  // bytes and elements of all variables that were measured

// What raise_exception() was called with: the template's own objection.
struct Objection : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// "%Y-%m-%d" of the given time, as Python's strftime of datetime.now() in UTC.
std::string formatted_time(std::chrono::system_clock::time_point now, const std::string& format) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::string text(256, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &parts));
  return text;
}

struct Bounds {
  std::int64_t steps = 0;
  std::int64_t looked = 0;
  int macros = 0;

  void step() {
    if (++steps > kMaxSteps) throw std::runtime_error(std::format("it goes on for more than {} steps", kMaxSteps));
  }
};

void add_bounds(Context& context, const std::shared_ptr<Bounds>& bounds) {
  const auto set = [&](const char* name, TemplateFunction body) { context.set(name, callable(std::move(body))); };
  set("llama_step", [bounds](const auto&, const auto&) {
    bounds->step();
    return Value();
  });
  set("llama_bounded", [bounds](const auto& a, const auto&) {
    bounds->step();
    const std::int64_t size = a.empty() ? 0 : size_of(a[0]);
    refuse_large(size);
    bounds->looked += size;
    if (bounds->looked > kMaxLooks) throw std::runtime_error("it goes on for too long");
    return Value();
  });
  set("llama_enter", [bounds](const auto&, const auto&) {
    bounds->step();
    if (++bounds->macros > kMaxMacroDepth) throw std::runtime_error("its macros call each other without end");
    return Value();
  });
  set("llama_leave", [bounds](const auto&, const auto&) {
    --bounds->macros;
    return Value();
  });
  const Value plain_range = context.get("range");
  context.set("range", Value::callable([plain_range](const std::shared_ptr<Context>& c, ArgumentsValue& arguments) {
                std::int64_t low = 0, high = 0, stride = 1;
                if (!arguments.args.empty()) high = arguments.args[0].get<std::int64_t>();
                if (arguments.args.size() > 1) low = high, high = arguments.args[1].get<std::int64_t>();
                if (arguments.args.size() > 2) stride = arguments.args[2].get<std::int64_t>();
                if (stride == 0) throw std::runtime_error("range() goes by 0");
                const double count =
                    (static_cast<double>(high) - static_cast<double>(low)) / static_cast<double>(stride);
                if (count > static_cast<double>(kMaxRange)) {
                  throw std::runtime_error(std::format("a range of more than {} numbers", kMaxRange));
                }
                return plain_range.call(c, arguments);
              }));
}

// What minja says, in one line: its excerpt of the source is dropped.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  if (line.ends_with(':')) line.pop_back();
  if (line.size() > 300) line.resize(300);
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

}  // namespace

struct Jinja::State {
  std::shared_ptr<minja::TemplateNode> root;
};

Jinja::Jinja(std::unique_ptr<State> state) : state_(std::move(state)) {}
Jinja::~Jinja() = default;
Jinja::Jinja(Jinja&&) noexcept = default;
Jinja& Jinja::operator=(Jinja&&) noexcept = default;

Result<Jinja> Jinja::parse(std::string_view source) {
  auto prepared = prepare_template(source);
  if (!prepared) return std::unexpected(prepared.error());
  try {
    auto state = std::make_unique<State>();
    state->root =
        minja::Parser::parse(*prepared, {.trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false});
    return Jinja(std::move(state));
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::InvalidModel,
                std::format("the chat template cannot be parsed: {}", one_line(thrown.what())));
  }
}

Result<std::string> Jinja::render(const nlohmann::ordered_json& variables,
                                  std::chrono::system_clock::time_point now) const {
  std::optional<std::string> objection;
  try {
    auto context = Context::make(Value(variables));
    add_filters(*context);
    add_methods(*context);
    add_bounds(*context, std::make_shared<Bounds>());
    context->set("raise_exception", callable([&](const auto& a, const auto&) -> Value {
                   objection = a.empty() ? std::string("(no reason)") : text_of(a[0]);
                   throw Objection(*objection);
                 }));
    context->set("strftime_now", callable([now](const auto& a, const auto&) {
                   return Value(formatted_time(now, text_of(argument(a, 0))));
                 }));
    std::string text = state_->root->render(context);
    if (std::cmp_greater(text.size(), kMaxValueSize))
      return fail(ErrorCode::InvalidModel, "the chat template's text is too long");
    return text;
  } catch (const std::exception& thrown) {
    if (objection) {
      return fail(ErrorCode::InvalidArgument, std::format("the chat template refuses: {}", one_line(*objection)));
    }
    return fail(ErrorCode::InvalidModel, std::format("the chat template fails: {}", one_line(thrown.what())));
  }
}

}  // namespace llama::internal
