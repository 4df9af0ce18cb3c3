#include "llama-agent/json_schema.h"

#include <algorithm>
#include <exception>
#include <format>
#include <limits>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "llama-base/json_shape.h"
#include "schema_budget.h"
#include "schema_check.h"
#include "schema_grammar.h"
#include "schema_json.h"
#include "schema_reader.h"
#include "schema_work.h"

namespace llama {
namespace {

constexpr std::size_t kMaxSchemaBytes = std::size_t{256} * 1024;
constexpr int kMaxJsonDepth = 256;  // of brackets
// An agent's tools have a schema each, and all of them are asked for with every reply.
constexpr std::size_t kMaxKeptSchemas = 256;
constexpr std::size_t kMaxKeptBytes = std::size_t{16} << 20;  // of their texts and grammars
constexpr std::size_t kWorkOfAByte = 4;                       // of the text: it is parsed, and asked for its depth

// A schema's own words stand in messages: tabs and control characters among them do not.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::InvalidArgument, one_line("the JSON schema " + std::move(message)));
}

internal::SchemaDraft draft_of(int number) {
  using internal::SchemaDraft;
  switch (number) {
    case 4:
      return SchemaDraft::Draft4;
    case 6:
      return SchemaDraft::Draft6;
    case 7:
      return SchemaDraft::Draft7;
    case 2019:
      return SchemaDraft::Draft2019;
    default:
      return SchemaDraft::Draft2020;
  }
}

bool too_deep(std::string_view text) { return internal::json_depth(text) > kMaxJsonDepth; }

}  // namespace

struct JsonSchema::State {
  internal::SchemaTree tree;
  internal::SchemaGrammar grammar;

  static Result<std::shared_ptr<const State>> read(std::string_view text, const JsonSchemaReading& reading,
                                                   internal::SchemaWork& work);
};

Result<std::shared_ptr<const JsonSchema::State>> JsonSchema::State::read(std::string_view text,
                                                                         const JsonSchemaReading& reading,
                                                                         internal::SchemaWork& work) {
  if (text.size() > kMaxSchemaBytes) {
    return refuse(std::format("has {} bytes, at most {} are read", text.size(), kMaxSchemaBytes));
  }
  work.spend(kWorkOfAByte * text.size());
  if (too_deep(text)) return refuse("is too deep");
  const auto schema = internal::read_ordered_json(text);
  if (!schema) return refuse(std::format("is no JSON: {}", schema.error().message));
  if (!schema->is_object() && !schema->is_boolean()) return refuse("is no JSON object");
  auto state = std::make_shared<State>();
  auto tree = internal::read_schema(*schema, {.draft = draft_of(reading.draft), .formats = !reading.exact}, work);
  if (!tree) return fail(tree.error().code, one_line(tree.error().message));
  state->tree = std::move(*tree);
  const auto habits = reading.exact ? internal::SchemaHabits::Exact : internal::SchemaHabits::Usual;
  auto grammar = internal::grammar_of(state->tree, habits, work);
  if (!grammar) return fail(grammar.error().code, one_line(grammar.error().message));
  state->grammar = std::move(*grammar);
  for (auto& remark : state->grammar.unenforced) remark = one_line(std::move(remark));
  return state;
}

Result<JsonSchema> JsonSchema::parse(std::string_view text, const JsonSchemaReading& reading,
                                     const std::stop_token& stop) {
  return internal::SchemaBudget(stop).read(text, reading);
}

// A caller checks its schema before it asks for replies, and a server gets the same one with every request.
Result<JsonSchema> internal::SchemaBudget::read(std::string_view text, const JsonSchemaReading& reading) {
  struct Kept {
    std::string text;
    JsonSchemaReading reading;
    std::optional<Result<std::shared_ptr<const JsonSchema::State>>> state;  // none: there was not enough left for it
    std::size_t work;                                                       // what it takes; of such a one, at least
    [[nodiscard]] std::size_t bytes() const {
      return text.size() + (state && *state ? (**state)->grammar.gbnf.size() : 0);
    }
  };
  static std::mutex mutex;
  static std::list<Kept> kept;  // the last one used comes first
  static std::size_t bytes = 0;
  const auto find = [&] {
    return std::ranges::find_if(kept, [&](const Kept& one) { return one.reading == reading && one.text == text; });
  };
  const auto too_long = [&] {
    left_ = 0;
    return fail(ErrorCode::TimedOut, "the JSON schemas of one request would together take too long to read");
  };
  const auto stopped = [] { return fail(ErrorCode::Cancelled, "reading the JSON schema was stopped"); };
  try {
    {
      const std::scoped_lock lock(mutex);
      if (const auto known = find(); known != kept.end()) {
        kept.splice(kept.begin(), kept, known);
        if (known->work > left_) return too_long();
        if (known->state) {
          left_ -= known->work;
          if (!*known->state) return std::unexpected(known->state->error());
          return JsonSchema(**known->state);
        }
      }
    }
    SchemaWork work(kMaxSchemaWork, stop_, left_);
    if (is_stopped()) return stopped();
    auto state = JsonSchema::State::read(text, reading, work);
    if (work.is_stopped()) return stopped();
    const bool is_read = !work.is_beyond_grant();
    if (text.size() <= kMaxSchemaBytes) {
      const std::scoped_lock lock(mutex);
      if (const auto before = find(); before != kept.end()) {
        bytes -= before->bytes();
        kept.erase(before);
      }
      kept.push_front({std::string(text), reading, is_read ? std::optional(state) : std::nullopt, work.spent()});
      bytes += kept.front().bytes();
      while (kept.size() > 1 && (kept.size() > kMaxKeptSchemas || bytes > kMaxKeptBytes)) {
        bytes -= kept.back().bytes();
        kept.pop_back();
      }
    }
    if (!is_read) return too_long();
    left_ -= work.spent();
    if (!state) return std::unexpected(state.error());
    return JsonSchema(std::move(*state));
  } catch (const std::exception& thrown) {
    return refuse(std::format("cannot be used: {}", thrown.what()));
  }
}

const std::string& JsonSchema::grammar() const { return state_->grammar.gbnf; }
const std::vector<std::string>& JsonSchema::unenforced() const { return state_->grammar.unenforced; }

Result<void> JsonSchema::validate(std::string_view document) const {
  if (too_deep(document)) return fail(ErrorCode::InvalidText, "it is too deep to be checked");
  try {
    const auto value = nlohmann::json::parse(document, nullptr, false);
    if (value.is_discarded()) return fail(ErrorCode::InvalidText, "it is no complete JSON");
    internal::SchemaWork work(std::numeric_limits<std::size_t>::max());  // a check counts its steps
    if (auto error = internal::SchemaCheck(state_->tree, work).first_error(value)) {
      return fail(ErrorCode::InvalidText, one_line(std::move(*error)));
    }
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::InvalidText, one_line(std::format("it cannot be checked: {}", thrown.what())));
  }
}

}  // namespace llama
