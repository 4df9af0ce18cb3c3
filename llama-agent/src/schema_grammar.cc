#include "schema_grammar.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDeepest = 64;
constexpr std::size_t kMostRules = 20'000;
constexpr std::int64_t kMostRepetitions = 2'000;    // llama.cpp refuses more
constexpr std::int64_t kMostListedIntegers = 256;  // a longer range is left to the check

// Numbers and gaps have bounds, or a model could go on with them for ever. An escaped surrogate alone is no character.
constexpr std::string_view kBasics = R"(ws ::= | " " | "\n" [ \t]{0,20}
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" ([0-9a-cA-Ce-fE-F] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))
string ::= "\"" char* "\""
integer ::= "-"? natural
natural ::= "0" | [1-9] [0-9]{0,14}
number ::= "-"? natural ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?
boolean ::= "true" | "false"
null ::= "null"
member ::= string ":" " "? value
object ::= "{" ws (member ("," ws member)*)? ws "}"
array ::= "[" ws (value ("," ws value)*)? ws "]"
value ::= object | array | string | number | boolean | null
date ::= [0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])
time ::= ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{3})? ("Z" | [-+] ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9])
hex ::= [0-9a-f]
uuid ::= hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}
)";

// Keywords that say nothing about a document's text.
constexpr std::array<std::string_view, 13> kSilent{"$schema", "$id",      "$comment", "$defs",      "definitions",
                                                   "title",   "default",  "examples", "deprecated", "description",
                                                   "$anchor", "readOnly", "writeOnly"};
constexpr std::array<std::string_view, 19> kKnown{
    "type",     "enum",     "const", "properties", "required", "additionalProperties", "items", "prefixItems", "additionalItems",
    "minItems", "maxItems", "minLength", "maxLength", "format", "anyOf", "oneOf", "allOf", "$ref", "nullable"};

std::unexpected<Error> refuse_schema(std::string message) {
  return fail(ErrorCode::InvalidArgument, "the JSON schema " + std::move(message));
}

// A literal of the grammar.
std::string grammar_text(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

std::string literal(const Json& value) { return grammar_text(value.dump()); }

// "{2,5}", as a repetition is written; large bounds are left out.
std::string times(std::int64_t low, std::optional<std::int64_t> high) {
  if (high && *high <= kMostRepetitions) return std::format("{{{},{}}}", std::min(low, *high), *high);
  return std::format("{{{},}}", low);
}

class GrammarWriter {
 public:
  explicit GrammarWriter(const Json& root) : root_(root) {}

  Result<SchemaGrammar> write() {
    auto top = expression(root_, 0);
    if (!top) return std::unexpected(top.error());
    std::string text = "root ::= " + *top + "\n";
    for (const auto& [name, body] : rules_) text += name + " ::= " + body + "\n";
    return SchemaGrammar{.gbnf = text + std::string(kBasics), .unenforced = unenforced_};
  }

 private:
  using Expression = Result<std::string>;

  // A rule of its own for an expression; its name.
  Expression rule(Expression body) {
    if (!body) return body;
    if (rules_.size() >= kMostRules) return refuse_schema("is too large");
    std::string name = std::format("r{}", rules_.size());
    rules_.emplace_back(name, std::move(*body));
    return name;
  }

  Expression expression(const Json& schema, int depth) {
    if (depth > kDeepest) return refuse_schema(std::format("is more than {} levels deep", kDeepest));
    if (schema.is_boolean()) {
      if (schema.get<bool>()) return std::string("value");
      return refuse_schema("allows nothing in one place");
    }
    if (!schema.is_object()) return refuse_schema("has something that is neither an object nor true or false");
    note_unenforced(schema);
    if (schema.contains("$ref")) return reference(schema, depth);
    if (schema.contains("allOf")) return all_of(schema, depth);
    for (const char* word : {"anyOf", "oneOf"}) {
      if (schema.contains(word)) return any_of(schema, word, depth);
    }
    if (schema.contains("const")) return literal(schema["const"]);
    if (schema.contains("enum")) return enumeration(schema["enum"]);
    return typed(schema, depth);
  }

  void note_unenforced(const Json& schema) {
    for (const auto& [name, value] : schema.items()) {
      if (std::ranges::contains(kSilent, name) || std::ranges::contains(kKnown, name)) continue;
      if (name == "minimum" || name == "maximum") continue;  // decided where integers are written
      unenforced_.insert(name);
    }
  }

  Result<const Json*> resolve(const Json& schema) {
    if (!schema["$ref"].is_string()) return refuse_schema("has a $ref that is no text");
    const auto path = schema["$ref"].get<std::string>();
    if (!path.starts_with('#')) {
      return refuse_schema(std::format("refers to '{}', and only what stands in itself is read", path));
    }
    try {
      return &root_.at(Json::json_pointer(path.substr(1)));
    } catch (const std::exception&) {
      return refuse_schema(std::format("refers to '{}', which it does not have", path));
    }
  }

  Expression reference(const Json& schema, int depth) {
    const auto target = resolve(schema);
    if (!target) return std::unexpected(target.error());
    if (const auto known = references_.find(*target); known != references_.end()) {
      if (known->second.consumed == consumed_) {
        return refuse_schema(std::format("refers to itself by '{}' without an end", schema["$ref"].get<std::string>()));
      }
      return known->second.rule;
    }
    // The rule's name is known before its body, which may refer to it.
    if (rules_.size() >= kMostRules) return refuse_schema("is too large");
    const std::size_t place = rules_.size();
    const std::string name = std::format("r{}", place);
    rules_.emplace_back(name, "");
    references_[*target] = {name, consumed_};
    auto body = expression(**target, depth + 1);
    if (!body) return body;
    rules_[place].second = std::move(*body);
    references_[*target].consumed = -1;  // finished: anybody may use it
    return name;
  }

  // Keywords of several schemas in one.
  Result<Json> merged(const Json& base, const Json& more, int depth) {
    if (depth > kDeepest) return refuse_schema(std::format("is more than {} levels deep", kDeepest));
    if (more.is_boolean() && more.get<bool>()) return base;
    if (!more.is_object()) return refuse_schema("allows nothing in one place");
    if (more.contains("$ref")) {
      const auto target = resolve(more);
      if (!target) return std::unexpected(target.error());
      Json rest = more;
      rest.erase("$ref");
      auto first = merged(base, **target, depth + 1);
      return first ? merged(*first, rest, depth + 1) : first;
    }
    Json all = base;
    for (const auto& [name, value] : more.items()) {
      if (name == "properties" && all.contains(name) && value.is_object()) {
        for (const auto& [property, its] : value.items()) all[name][property] = its;
      } else if ((name == "required" || name == "allOf") && all.contains(name) && value.is_array()) {
        for (const auto& entry : value) all[name].push_back(entry);
      } else if ((name == "anyOf" || name == "oneOf") && all.contains(name)) {
        unenforced_.insert(name);  // of two choices the grammar makes the first
      } else {
        all[name] = value;
      }
    }
    return all;
  }

  Expression all_of(const Json& schema, int depth) {
    if (!schema["allOf"].is_array()) return refuse_schema("has an allOf that is no list");
    Json all = schema;
    all.erase("allOf");
    for (const auto& part : schema["allOf"]) {
      auto next = merged(all, part, depth);
      if (!next) return std::unexpected(next.error());
      all = std::move(*next);
    }
    return keep(std::move(all), depth + 1);
  }

  // Schemas that we made live as long as the grammar is written: references compare addresses.
  Expression keep(Json schema, int depth) {
    made_.push_back(std::make_unique<Json>(std::move(schema)));
    return expression(*made_.back(), depth);
  }

  Expression any_of(const Json& schema, const char* word, int depth) {
    if (!schema[word].is_array() || schema[word].empty()) return refuse_schema(std::format("has an {} without choices", word));
    if (std::string_view(word) == "oneOf") unenforced_.insert("oneOf");  // that only one fits
    Json base = schema;
    base.erase(word);
    for (const auto silent : kSilent) base.erase(std::string(silent));
    std::string choices;
    for (const auto& choice : schema[word]) {
      auto body = [&]() -> Expression {
        if (base.empty()) return expression(choice, depth + 1);
        auto both = merged(base, choice, depth);
        if (!both) return std::unexpected(both.error());
        return keep(std::move(*both), depth + 1);
      }();
      if (!body) return body;
      choices += (choices.empty() ? "" : " | ") + *body;
    }
    return rule(std::move(choices));
  }

  Expression enumeration(const Json& values) {
    if (!values.is_array() || values.empty()) return refuse_schema("has an enum without values");
    std::string choices;
    for (const auto& value : values) choices += (choices.empty() ? "" : " | ") + literal(value);
    return rule(std::move(choices));
  }

  Expression typed(const Json& schema, int depth) {
    std::vector<std::string> types;
    if (schema.contains("type")) {
      const Json& type = schema["type"];
      for (const auto& one : type.is_array() ? type : Json::array({type})) {
        if (!one.is_string()) return refuse_schema("has a type that is no text");
        types.push_back(one.get<std::string>());
      }
      if (types.empty()) return refuse_schema("has a type without names");
    } else if (schema.contains("properties") || schema.contains("additionalProperties") || schema.contains("required")) {
      types = {"object"};
    } else if (schema.contains("items") || schema.contains("prefixItems") || schema.contains("minItems")) {
      types = {"array"};
    } else if (schema.contains("minLength") || schema.contains("maxLength") || schema.contains("pattern") ||
               schema.contains("format")) {
      types = {"string"};
    } else {
      return std::string("value");
    }
    if (schema.contains("nullable") && schema["nullable"] == true) types.emplace_back("null");
    std::string choices;
    for (const auto& type : types) {
      auto body = of_type(type, schema, depth);
      if (!body) return body;
      choices += (choices.empty() ? "" : " | ") + *body;
    }
    return types.size() == 1 ? Expression(std::move(choices)) : rule(std::move(choices));
  }

  Expression of_type(const std::string& type, const Json& schema, int depth) {
    if (type == "object") return object(schema, depth);
    if (type == "array") return array(schema, depth);
    if (type == "string") return string(schema);
    if (type == "integer") return integer(schema);
    if (type == "number") {
      for (const char* word : {"minimum", "maximum"}) {
        if (schema.contains(word)) unenforced_.insert(word);
      }
      return type;
    }
    if (type == "boolean" || type == "null") return type;
    return refuse_schema(std::format("has the unknown type '{}'", type));
  }

  Result<std::optional<std::int64_t>> number(const Json& schema, const char* name, std::int64_t lowest) {
    if (!schema.contains(name)) return std::nullopt;
    const Json& value = schema[name];
    if (!value.is_number() || value.get<double>() != std::floor(value.get<double>()) || value.get<double>() < static_cast<double>(lowest) ||
        std::abs(value.get<double>()) > 9e15) {
      return refuse_schema(std::format("has a {} that is no whole number in range", name));
    }
    return static_cast<std::int64_t>(value.get<double>());
  }

  Expression integer(const Json& schema) {
    // A bound that is no whole number, or far out, is left to the check.
    const auto low = number(schema, "minimum", std::numeric_limits<std::int64_t>::min());
    const auto high = number(schema, "maximum", std::numeric_limits<std::int64_t>::min());
    if (low && high && *low && *high) {
      if (**low > **high) return refuse_schema("has an integer whose minimum is above its maximum");
      if (**high - **low < kMostListedIntegers) {
        std::string choices;
        for (std::int64_t value = **low; value <= **high; ++value) {
          choices += (choices.empty() ? "" : " | ") + grammar_text(std::to_string(value));
        }
        return rule(std::move(choices));
      }
    }
    if (schema.contains("maximum")) unenforced_.insert("maximum");
    if (!schema.contains("minimum")) return std::string("integer");
    if (low && *low && **low == 0) return std::string("natural");
    unenforced_.insert("minimum");
    return std::string(low && *low && **low > 0 ? "natural" : "integer");
  }

  Expression string(const Json& schema) {
    if (schema.contains("format") && schema["format"].is_string()) {
      const auto format = schema["format"].get<std::string>();
      if (format == "date" || format == "time" || format == "uuid") return std::format(R"("\"" {} "\"")", format);
      if (format == "date-time") return std::string(R"("\"" date "T" time "\"")");
      unenforced_.insert("format");
    }
    const auto low = number(schema, "minLength", 0), high = number(schema, "maxLength", 0);
    if (!low) return std::unexpected(low.error());
    if (!high) return std::unexpected(high.error());
    if (!*low && !*high) return std::string("string");
    if (*low && *high && **low > **high) return refuse_schema("has a minLength above its maxLength");
    if (*high && **high > kMostRepetitions) unenforced_.insert("maxLength");
    std::int64_t least = low->value_or(0);
    if (least > kMostRepetitions) {
      unenforced_.insert("minLength");
      least = kMostRepetitions;
    }
    return std::format(R"("\"" char{} "\"")", times(least, *high));
  }

  // Inside an object's or array's brackets something is consumed, so what comes may refer to what stands around it.
  template <class F>
  Expression inside(F&& body) {
    ++consumed_;
    auto written = body();
    return written;
  }

  Expression array(const Json& schema, int depth) {
    return inside([&]() -> Expression {
      // Draft 7 wrote a tuple as a list of items.
      const bool old_tuple = schema.contains("items") && schema["items"].is_array();
      const Json tuple = schema.contains("prefixItems") ? schema["prefixItems"] : old_tuple ? schema["items"] : Json::array();
      const char* rest_name = old_tuple ? "additionalItems" : "items";
      const bool has_rest = schema.contains(rest_name) ? schema[rest_name] != Json(false) : tuple.empty();
      const auto low = number(schema, "minItems", 0), high = number(schema, "maxItems", 0);
      if (!low) return std::unexpected(low.error());
      if (!high) return std::unexpected(high.error());
      if (*low && *high && **low > **high) return refuse_schema("has a minItems above its maxItems");
      if (!tuple.is_array()) return refuse_schema("has prefixItems that are no list");
      if (!tuple.empty()) return tuple_of(tuple, has_rest && schema.contains(rest_name) ? &schema[rest_name] : nullptr, depth);
      Expression item = schema.contains("items") ? rule(expression(schema["items"], depth + 1)) : Expression("value");
      if (!item) return item;
      if (*high && **high > kMostRepetitions) unenforced_.insert("maxItems");
      if (low->value_or(0) > kMostRepetitions) unenforced_.insert("minItems");
      const std::int64_t least = std::min(low->value_or(0), kMostRepetitions);
      if (*high && **high == 0) return std::string(R"("[" ws "]")");
      const auto most = *high ? std::optional(**high - 1) : std::nullopt;
      const std::string list = std::format(R"({0} ("," ws {0}){1})", *item, times(std::max<std::int64_t>(0, least - 1), most));
      return std::format(R"("[" ws {} ws "]")", least == 0 ? "(" + list + ")?" : list);
    });
  }

  Expression tuple_of(const Json& items, const Json* rest, int depth) {
    std::string list;
    // The made copy keeps the addresses that references compare.
    made_.push_back(std::make_unique<Json>(items));
    for (const auto& item : *made_.back()) {
      auto body = rule(expression(item, depth + 1));
      if (!body) return body;
      list += (list.empty() ? "" : R"( "," ws )") + *body;
    }
    if (rest != nullptr) {
      auto body = rule(expression(*rest, depth + 1));
      if (!body) return body;
      list += std::format(R"( ("," ws {})*)", *body);
    }
    return std::format(R"("[" ws {} ws "]")", list);
  }

  // Properties come in the schema's order; optional ones may be missing. Two rules for each: before and behind the first
  // member that is there.
  Expression object(const Json& schema, int depth) {
    return inside([&]() -> Expression {
      static const Json kNone = Json::object();
      const Json& properties = schema.contains("properties") ? schema["properties"] : kNone;
      if (!properties.is_object()) return refuse_schema("has properties that are no object");
      std::set<std::string> required;
      if (schema.contains("required")) {
        if (!schema["required"].is_array()) return refuse_schema("has a required that is no list");
        for (const auto& name : schema["required"]) {
          if (!name.is_string()) return refuse_schema("has a required property that is no text");
          required.insert(name.get<std::string>());
        }
      }
      std::vector<std::pair<std::string, bool>> members;  // expression, required
      for (const auto& [name, its] : properties.items()) {
        auto body = expression(its, depth + 1);
        if (!body) return body;
        auto member = rule(std::format(R"({} ":" " "? {})", literal(name), *body));
        if (!member) return member;
        members.emplace_back(*member, required.erase(name) > 0);
      }
      std::string other;  // a member without a name in the schema
      if (schema.contains("additionalProperties") ? schema["additionalProperties"] != Json(false) : properties.empty()) {
        Expression its = schema.contains("additionalProperties") ? expression(schema["additionalProperties"], depth + 1)
                                                                 : Expression("value");
        auto member = its ? rule(std::format(R"(string ":" " "? {})", *its)) : its;
        if (!member) return member;
        other = *member;
      }
      for (const auto& name : required) {  // that "properties" does not describe
        auto member = rule(std::format(R"({} ":" " "? value)", literal(name)));
        if (!member) return member;
        members.emplace_back(*member, true);
      }
      if (members.empty() && other.empty()) return std::string(R"("{" ws "}")");
      std::string first = other.empty() ? R"("")" : std::format(R"(({0} ("," ws {0})*)?)", other);
      std::string behind = other.empty() ? R"("")" : std::format(R"(("," ws {0})*)", other);
      for (auto member = members.rbegin(); member != members.rend(); ++member) {
        const auto& [body, is_required] = *member;
        auto first_rule = rule(first), behind_rule = rule(behind);
        if (!first_rule) return first_rule;
        if (!behind_rule) return behind_rule;
        first = std::format("{} {}", body, *behind_rule) + (is_required ? "" : " | " + *first_rule);
        behind = std::format(R"("," ws {} {})", body, *behind_rule) + (is_required ? "" : " | " + *behind_rule);
      }
      auto list = rule(std::move(first));
      if (!list) return list;
      return std::format(R"("{{" ws {} ws "}}")", *list);
    });
  }

  struct Reference {
    std::string rule;
    int consumed;  // how much stood before it when it was begun; -1: finished
  };

  const Json& root_;
  std::vector<std::pair<std::string, std::string>> rules_;
  std::map<const Json*, Reference> references_;
  std::vector<std::unique_ptr<Json>> made_;
  std::set<std::string> unenforced_;
  int consumed_ = 0;
};

}  // namespace

Result<SchemaGrammar> grammar_of(const Json& schema) { return GrammarWriter(schema).write(); }

}  // namespace llama::internal
