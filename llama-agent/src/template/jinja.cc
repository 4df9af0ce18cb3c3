#include "jinja.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <exception>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "llama-base/utf8_stream.h"
#include "minja_engine.h"
#include "template_bounds.h"
#include "template_functions.h"

namespace llama::internal {
namespace {

using minja::Context;
using minja::Value;

constexpr std::size_t kMaxToldLine = 300, kBlankLine = 64;  // bytes

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

// What minja says, in one line: its excerpt of the source is dropped.
std::string one_line(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  if (line.ends_with(':')) line.pop_back();
  if (line.size() > 300) line.resize(300);
  // Cut in the middle of a character, or a template's bytes that are none.
  line = whole_characters(line);
  std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

// minja adds the line to what was thrown, once for each operator and block that it passes, and looks for the line's
// number: of a long one short blank lines are left.
void forget_long_lines(std::string& source) {
  for (std::size_t begin = 0; begin < source.size();) {
    const std::size_t end = std::min(source.find('\n', begin), source.size());
    for (std::size_t i = begin; i < end && end - begin > kMaxToldLine; ++i) {
      source[i] = (i - begin) % kBlankLine == kBlankLine - 1 ? '\n' : ' ';
    }
    begin = end + 1;
  }
}

}  // namespace

struct Jinja::State {
  std::shared_ptr<minja::TemplateNode> root;
  std::vector<std::string> texts;
  std::size_t source = 0;  // bytes of what minja has parsed
};

Jinja::Jinja(std::unique_ptr<State> state) : state_(std::move(state)) {}
Jinja::~Jinja() = default;
Jinja::Jinja(Jinja&&) noexcept = default;
Jinja& Jinja::operator=(Jinja&&) noexcept = default;

Result<Jinja> Jinja::parse(std::string_view source) {
  try {
    auto prepared = prepare_template(source);
    if (!prepared) return std::unexpected(prepared.error());
    auto state = std::make_unique<State>();
    state->source = prepared->source.size();
    state->root = minja::Parser::parse(prepared->source,
                                       {.trim_blocks = false, .lstrip_blocks = false, .keep_trailing_newline = true});
    if (const auto& whole = state->root->location().source) forget_long_lines(*whole);
    state->texts = std::move(prepared->texts);
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
    const auto context = Context::make(Value(variables));
    OwnedContexts owned(context);
    add_filters(*context);
    add_methods(*context);
    add_operators(*context);
    add_bounds(*context, owned, state_->texts, state_->source);
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
