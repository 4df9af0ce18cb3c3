#include "llama-agent/json_schema.h"

#include <algorithm>
#include <exception>
#include <format>
#include <nlohmann/json-schema.hpp>
#include <optional>
#include <utility>

#include "schema_grammar.h"

namespace llama {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestSchema = 256 * 1024;    // bytes
constexpr std::size_t kPatternsUpTo = 8 * 1024;       // bytes of a document
constexpr int kDeepestJson = 256;                     // of a schema's brackets

// A schema's own words stand in messages: tabs and control characters among them do not.
std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

std::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::InvalidArgument, one_line("the JSON schema " + std::move(message)));
}

bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepestJson) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// The validator reads draft 7: what later drafts renamed is put in its words. `is_names`: the members are names that the
// schema's author chose.
nlohmann::json in_draft7(const Json& schema, bool with_patterns, bool is_names = false) {
  if (schema.is_array()) {
    auto list = nlohmann::json::array();
    for (const auto& entry : schema) list.push_back(in_draft7(entry, with_patterns));
    return list;
  }
  if (!schema.is_object()) return schema;
  auto changed = nlohmann::json::object();
  for (const auto& [name, value] : schema.items()) {
    if (!is_names) {
      if (name == "const" || name == "enum" || name == "default" || name == "examples") {
        changed[name] = value;
        continue;
      }
      if (name == "$schema" || name == "$id" || name == "$anchor" || name == "format") continue;
      if (!with_patterns && (name == "pattern" || name == "patternProperties")) continue;
    }
    const bool names = !is_names && (name == "properties" || name == "patternProperties" || name == "$defs" ||
                                     name == "definitions" || name == "dependentRequired");
    auto inner = in_draft7(value, with_patterns, names);
    if (!is_names && name == "prefixItems") {
      changed["items"] = std::move(inner);
    } else if (!is_names && name == "items" && schema.contains("prefixItems")) {
      changed["additionalItems"] = std::move(inner);
    } else if (!is_names && name == "dependentRequired") {
      changed["dependencies"] = std::move(inner);
    } else {
      changed[name] = std::move(inner);
    }
  }
  return changed;
}

// Keeps the first thing that is wrong.
class FirstError final : public nlohmann::json_schema::basic_error_handler {
 public:
  void error(const nlohmann::json::json_pointer& place, const nlohmann::json& value, const std::string& message) override {
    basic_error_handler::error(place, value, message);
    const std::string where = place.to_string();
    if (!text_) text_ = where.empty() ? message : std::format("at {}: {}", where, message);
  }
  [[nodiscard]] const std::optional<std::string>& text() const { return text_; }

 private:
  std::optional<std::string> text_;
};

}  // namespace

struct JsonSchema::State {
  Json schema;
  std::string grammar;
  std::vector<std::string> unenforced;
};

Result<JsonSchema> JsonSchema::parse(std::string_view text) {
  if (text.size() > kLongestSchema) {
    return refuse(std::format("has {} bytes, at most {} are read", text.size(), kLongestSchema));
  }
  if (too_deep(text)) return refuse("is too deep");
  auto state = std::make_shared<State>();
  try {
    state->schema = Json::parse(text);
  } catch (const std::exception& thrown) {
    std::string_view reason = thrown.what();  // "[json.exception.parse_error.101] parse error at line 2, …"
    if (reason.starts_with('[') && reason.contains("] ")) reason.remove_prefix(reason.find("] ") + 2);
    return refuse(std::format("is no JSON: {}", reason));
  }
  if (!state->schema.is_object()) return refuse("is no JSON object");
  auto grammar = internal::grammar_of(state->schema);
  if (!grammar) return fail(grammar.error().code, one_line(grammar.error().message));
  state->grammar = std::move(grammar->gbnf);
  state->unenforced.assign(grammar->unenforced.begin(), grammar->unenforced.end());
  try {
    nlohmann::json_schema::json_validator validator;
    validator.set_root_schema(in_draft7(state->schema, true));
  } catch (const std::exception& thrown) {
    return refuse(std::format("cannot be used: {}", thrown.what()));
  }
  return JsonSchema(std::move(state));
}

const std::string& JsonSchema::grammar() const { return state_->grammar; }
const std::vector<std::string>& JsonSchema::unenforced() const { return state_->unenforced; }

Result<void> JsonSchema::validate(std::string_view document) const {
  try {
    const auto value = nlohmann::json::parse(document, nullptr, false);
    if (value.is_discarded()) return fail(ErrorCode::InvalidText, "it is no complete JSON");
    nlohmann::json_schema::json_validator validator;
    validator.set_root_schema(in_draft7(state_->schema, document.size() <= kPatternsUpTo));
    FirstError errors;
    validator.validate(value, errors);
    if (errors.text()) return fail(ErrorCode::InvalidText, one_line(*errors.text()));
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::InvalidText, one_line(std::format("it cannot be checked: {}", thrown.what())));
  }
}

}  // namespace llama
