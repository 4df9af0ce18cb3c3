#include "argument_rules.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <utility>

#include "../../schema/schema_grammar.h"
#include "../../schema/schema_json.h"
#include "llama-agent/json_schema.h"
#include "llama-base/json_shape.h"
#include "pattern_text.h"

namespace llama::internal {
namespace {

using ArgumentJson = nlohmann::ordered_json;

constexpr int kMaxArgumentSchemaDepth = 256;  // of brackets
constexpr std::size_t kMaxListed = 2'000;     // values of an enum: llama.cpp follows all of them at once

bool is_rule_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

// A schema's rules are "root" and "r" with a number; those get the prefix. Literals and classes stay as they are.
std::string with_prefix(std::string_view gbnf, std::string_view prefix) {
  std::string out;
  out.reserve(gbnf.size() * 5 / 4);
  for (std::size_t i = 0; i < gbnf.size();) {
    const char c = gbnf[i];
    if (c == '"' || c == '[') {
      const char end = c == '"' ? '"' : ']';
      std::size_t at = i + 1;
      while (at < gbnf.size() && gbnf[at] != end) at += gbnf[at] == '\\' ? 2 : 1;
      at = std::min(at + 1, gbnf.size());
      out += gbnf.substr(i, at - i);
      i = at;
    } else if (is_rule_letter(c)) {
      std::size_t at = i;
      while (at < gbnf.size() && is_rule_letter(gbnf[at])) ++at;
      const std::string_view word = gbnf.substr(i, at - i);
      const bool is_numbered =
          word.size() > 1 && word[0] == 'r' && word.find_first_not_of("0123456789", 1) == std::string_view::npos;
      if (word == "root" || is_numbered) out.append(prefix).append("-");
      out += word;
      i = at;
    } else {
      out += c;
      ++i;
    }
  }
  return out;
}

std::unexpected<Error> unusable(std::string message) {
  return fail(ErrorCode::InvalidArgument, "the JSON schema " + std::move(message));
}

Result<std::string> rules_of(const std::string& schema, std::string_view prefix, SchemaBudget& budget) {
  const auto parsed = budget.read(schema);
  if (!parsed) return std::unexpected(parsed.error());
  std::string_view own = parsed->grammar();
  own.remove_suffix(basic_grammar_rules().size());
  for (const auto line : std::views::split(own, '\n')) {
    const auto choices = std::ranges::count(line, '|');
    if (std::cmp_greater(choices, kMaxListed - 1)) {
      return unusable(std::format("lists more than {} values in one place", kMaxListed));
    }
  }
  return with_prefix(own, prefix);
}

Result<ArgumentJson> read(std::string_view schema) {
  if (schema.find_first_not_of(" \t\r\n") == std::string_view::npos) return ArgumentJson{{"type", "object"}};
  if (json_depth(schema) > kMaxArgumentSchemaDepth) return unusable("is too deep");
  auto parsed = read_ordered_json(schema);
  if (!parsed) return unusable("is no JSON");
  ArgumentJson& json = *parsed;
  if (json.is_boolean() && json.get<bool>()) return ArgumentJson{{"type", "object"}};
  if (!json.is_object()) return unusable("is no JSON object");
  const auto type = json.find("type");
  const bool lists_object = type != json.end() && type->is_array() && std::ranges::contains(*type, "object");
  if (type == json.end() || lists_object) {
    json["type"] = "object";
  } else if (*type != "object") {
    return unusable("is not that of an object");
  }
  return std::move(json);
}

std::string dumped(const ArgumentJson& json) {
  return json.dump(-1, ' ', false, ArgumentJson::error_handler_t::replace);
}

// Is the value written as it is, without quotes? What may be a text among other things is.
bool is_text_value(const ArgumentJson& schema) {
  if (!schema.is_object()) return true;
  const auto type = schema.find("type");
  if (type != schema.end()) {
    return *type == "string" || (type->is_array() && std::ranges::contains(*type, "string"));
  }
  if (const auto values = schema.find("enum"); values != schema.end() && values->is_array()) {
    return std::ranges::any_of(*values, [](const auto& value) { return value.is_string(); });
  }
  if (const auto value = schema.find("const"); value != schema.end()) return value->is_string();
  return true;
}

// Listed texts, written out; nothing where there are others or where one would end too early.
std::optional<std::string> listed_texts(const ArgumentJson& schema, std::string_view closer) {
  if (!schema.is_object()) return std::nullopt;
  ArgumentJson values = ArgumentJson::array();
  if (const auto value = schema.find("const"); value != schema.end()) {
    values.push_back(*value);
  } else if (const auto list = schema.find("enum"); list != schema.end() && list->is_array()) {
    values = *list;
  }
  if (values.empty() || values.size() > kMaxListed) return std::nullopt;
  std::string sequences;
  for (const auto& value : values) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    if (text.contains(closer) || text.contains('\0')) return std::nullopt;
    sequences += (sequences.empty() ? "" : " | ") + escaped_literal(text);
  }
  return sequences;
}

// What a parameter's own schema may refer to stands in the whole one.
ArgumentJson with_definitions(ArgumentJson schema, const ArgumentJson& whole) {
  if (!schema.is_object()) return schema;
  for (const char* key : {"$schema", "$defs", "definitions"}) {
    if (whole.contains(key) && !schema.contains(key)) schema[key] = whole[key];
  }
  return schema;
}

}  // namespace

Result<std::string> argument_schema(std::string_view schema) { return read(schema).transform(dumped); }

Result<std::string> object_rules(std::string_view schema, std::string_view prefix, SchemaBudget& budget) {
  const auto text = argument_schema(schema);
  if (!text) return std::unexpected(text.error());
  return rules_of(*text, prefix, budget);
}

Result<std::string> parameter_rules(const CallPattern& pattern, std::string_view schema, std::string_view prefix,
                                    SchemaBudget& budget) {
  const auto json = read(schema);
  if (!json) return std::unexpected(json.error());
  ArgumentJson properties = ArgumentJson::object();
  if (const auto listed = json->find("properties"); listed != json->end() && listed->is_object()) {
    properties = *listed;
  } else if (!json->contains("allOf") && !json->contains("anyOf") && !json->contains("oneOf") &&
             !json->contains("$ref")) {
    return std::format("{}-root ::= parameters\n", prefix);
  } else {
    return unusable("lists no properties");
  }
  std::set<std::string> required;
  if (const auto listed = json->find("required"); listed != json->end() && listed->is_array()) {
    for (const auto& name : *listed) {
      if (name.is_string()) required.insert(name.get<std::string>());
    }
  }
  std::string sequence, rules;
  std::size_t number = 0;
  for (const auto& [name, its] : properties.items()) {
    const std::string own = std::format("{}-p{}", prefix, number++);
    // A name that breaks out of its marker could not be read back.
    if (name.find_first_of("<>\"'=\n") != std::string::npos || name.empty()) return unusable("has an unusable name");
    PatternPlaces places{.key = escaped_literal(name), .is_text = is_text_value(its)};
    if (places.is_text) {
      const auto listed = listed_texts(its, pattern.value_closer);
      places.value = listed ? own + "-values" : "text0";
      if (listed) rules += std::format("{}-values ::= {}\n", own, *listed);
    } else if (auto value = rules_of(dumped(with_definitions(its, *json)), own, budget)) {
      places.value = own + "-root";
      rules += *value;
    } else if (value.error().code != ErrorCode::InvalidArgument) {
      return std::unexpected(value.error());
    } else {
      places.value = "value";
    }
    rules += std::format("{} ::= {}\n", own, pattern_sequence(pattern.parameter, places));
    sequence += " " + own + (required.contains(name) ? "" : "?");
  }
  return std::format("{}-root ::={}\n", prefix, sequence.empty() ? " \"\"" : sequence) + rules;
}

std::string any_parameters_rules(const CallPattern& pattern) {
  const auto parameter = [&](bool is_text) {
    return pattern_sequence(pattern.parameter,
                            {.key = "[a-zA-Z0-9_.-]+", .value = is_text ? "text0" : "value", .is_text = is_text});
  };
  return std::format("parameters ::= ({}{})*\n", parameter(true),
                     pattern.parameter.contains("%T") ? " | " + parameter(false) : "") +
         text_without_rules(pattern.value_closer, "text");
}

}  // namespace llama::internal
