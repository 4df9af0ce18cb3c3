#include "../src/tools/grammar/call_grammar.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <string>
#include <vector>

#include "../src/reply/reply_format.h"
#include "../src/tools/grammar/pattern_text.h"
#include "llama-agent/json_schema.h"
#include "llama-agent/tool_schema.h"
#include "llama-core/grammar.h"
#include "llama-core/model.h"

namespace llama::internal {
namespace {

std::shared_ptr<const Model> vocabulary() {
  const std::filesystem::path path = std::filesystem::path(std::getenv("TEST_MODELS")) / "qwen3.gguf";
  static const auto loaded = Model::load(std::span(&path, 1));
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded.value_or(nullptr);
}

// What llama.cpp's own engine makes of a text: may it be written, and may it end there?
enum class Held { Refused, Begun, Whole };
Held held(const std::string& gbnf, std::string_view text) {
  auto grammar = Grammar::parse(vocabulary(), gbnf);
  EXPECT_TRUE(grammar) << grammar.error().message << "\n" << gbnf.substr(0, 2000);
  if (!grammar) return Held::Refused;
  const auto tokens = vocabulary()->tokenize_part(text, SpecialTokens::Text);
  EXPECT_TRUE(tokens);
  for (const Token token : *tokens) {
    if (!grammar->accept(token)) return Held::Refused;
  }
  return grammar->may_end() ? Held::Whole : Held::Begun;
}

CallGrammars call_grammars(const CallPattern& pattern, std::span<const OfferedTool> tools, const ToolChoice& choice,
                           std::string_view thinking_opener = {}) {
  SchemaBudget budget;
  return internal::call_grammars(pattern, tools, choice, thinking_opener, budget);
}

const ToolChoice kRequired{.kind = ToolChoice::Kind::Required};
const std::vector<OfferedTool> kTools{
    {"look", R"({"type": "object", "properties": {"at": {"enum": ["sky", "sea"]}}, "required": ["at"]})"},
    {"count", R"({"type": "object", "properties": {"to": {"type": "integer", "minimum": 1, "maximum": 99},
                 "step": {"type": "integer"}}, "required": ["to"]})"},
    {"free"}};

const CallPattern& hermes() { return *call_pattern_of("hermes"); }

TEST(CallGrammar, TheRestOfACallFollowsTheSchemaOfItsOwnTool) {
  const auto made = call_grammars(hermes(), kTools, {});
  EXPECT_EQ(made.whole, "");
  EXPECT_TRUE(made.remarks.empty());
  const std::pair<std::string_view, Held> rows[] = {
      {"\n{\"name\": \"look\", \"arguments\": {\"at\": \"sea\"}}\n</tool_call>", Held::Whole},
      {"{\"name\":\"look\",\"arguments\":{\"at\":\"sky\"}}</tool_call>", Held::Whole},
      {"\n{\"name\": \"look\", \"arguments\": {\"at\": \"sea\"}}", Held::Begun},
      {"\n{\"name\": \"look\", \"arguments\": {\"at\": \"lake\"}}", Held::Refused},
      {"\n{\"name\": \"look\", \"arguments\": {\"to\": 3}}", Held::Refused},
      {"\n{\"name\": \"look\", \"arguments\": {}}", Held::Refused},
      {"\n{\"name\": \"count\", \"arguments\": {\"to\": 99, \"step\": 2}}\n</tool_call>", Held::Whole},
      {"\n{\"name\": \"count\", \"arguments\": {\"to\": 100}}", Held::Refused},
      {"\n{\"name\": \"peek\"", Held::Refused},
      {"\n{\"name\": \"free\", \"arguments\": {\"a\": [1, {\"b\": null}]}}\n</tool_call>", Held::Whole},
      {"\n{\"name\": \"free\", \"arguments\": 3", Held::Refused},
      {"Well", Held::Refused},
  };
  for (const auto& [text, wanted] : rows) EXPECT_EQ(held(made.rest, text), wanted) << text;
}

// A long list is written as what its values begin with, and what may follow.
TEST(CallGrammar, EachOfManyListedValuesIsTaken) {
  std::vector<std::string> values{"", "ä", "äb", "ö", "\\\"x", "\\\\", "\\n"};
  std::string same;
  for (int i = 0; i < 60; ++i) values.push_back(same += "ab");
  for (int i = 0; i < 300; ++i) values.push_back(std::format("{}日本{}", i % 7, i));
  std::string list = "3, [\"a\", null]";
  for (const auto& value : values) list += ", \"" + value + "\"";
  const auto schema = JsonSchema::parse(R"({"enum": [)" + list + "]}");
  ASSERT_TRUE(schema) << schema.error().message;
  for (const auto& value : values) EXPECT_EQ(held(schema->grammar(), "\"" + value + "\""), Held::Whole) << value;
  for (const auto* value : {"3", "[\"a\",null]"}) EXPECT_EQ(held(schema->grammar(), value), Held::Whole) << value;
  for (const auto* value : {"\"a\"", "\"aba\"", "\"ü\"", "\"0日本\"", "\"0日本300\"", "\"0日本1\"", "4", "null"})
    EXPECT_EQ(held(schema->grammar(), value), Held::Refused) << value;
}

TEST(CallGrammar, AReplyThatMustCallIsNothingButCalls) {
  const std::string one = "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"sea\"}}\n</tool_call>";
  const std::string other = "<tool_call>\n{\"name\": \"count\", \"arguments\": {\"to\": 5}}\n</tool_call>";
  const auto required = call_grammars(hermes(), kTools, kRequired).whole;
  EXPECT_EQ(held(required, one), Held::Whole);
  EXPECT_EQ(held(required, "\n\n" + one + "\n" + other), Held::Whole);
  EXPECT_EQ(held(required, one.substr(0, 60)), Held::Begun);
  EXPECT_EQ(held(required, "Sure. "), Held::Refused);
  EXPECT_EQ(held(required, one + " Now"), Held::Refused);
  EXPECT_EQ(held(required, "<think>"), Held::Refused);

  ToolChoice single = kRequired;
  single.several = false;
  EXPECT_EQ(held(call_grammars(hermes(), kTools, single).whole, one), Held::Whole);
  EXPECT_EQ(held(call_grammars(hermes(), kTools, single).whole, one + "\n" + other), Held::Refused);

  const auto named = call_grammars(hermes(), kTools, {.kind = ToolChoice::Kind::Named, .name = "count"}).whole;
  EXPECT_EQ(held(named, other), Held::Whole);
  EXPECT_EQ(held(named, one), Held::Refused);

  const auto thinking = call_grammars(hermes(), kTools, kRequired, "<think>").whole;
  EXPECT_EQ(held(thinking, one), Held::Whole);
  EXPECT_EQ(held(thinking, "<think>"), Held::Whole) << "and what is thought then is held to nothing";
}

// A thought begins as its format reads one; when it is over, the grammar begins anew, and the calls may follow.
TEST(CallGrammar, AThoughtOfTheFormatsOwnMayComeBeforeTheCalls) {
  int thinking = 0;
  for (const auto& pattern : call_patterns()) {
    if (pattern.thought.empty()) continue;
    ++thinking;
    const auto made = call_grammars(pattern, kTools, kRequired, pattern.thought);
    const auto format = reply_format_named(pattern.format).make({.tools = {"look"}});
    ReplyEvents events;
    format->push({.text = pattern.thought}, events);
    EXPECT_TRUE(format->is_thinking()) << pattern.format;
    EXPECT_EQ(held(made.whole, pattern.thought), Held::Whole) << pattern.format;
    const std::string call = pattern_text(pattern.opener, "", "") +
                             pattern_text(pattern.call, "look", R"({"at": "sky"})") +
                             pattern_text(pattern.closer, "", "");
    EXPECT_EQ(held(made.whole, std::string(pattern.next_message) + call), Held::Whole) << pattern.format;
    EXPECT_EQ(held(made.whole, std::string(pattern.next_message) + "Well"), Held::Refused) << pattern.format;
  }
  EXPECT_EQ(thinking, 4);
}

TEST(CallGrammar, OneBadSchemaFreesNoOtherTool) {
  for (const std::string bad :
       {R"({"$ref": "https://example.org/a.json"})", R"({"$ref": "#"})", "{", "[1]", R"({"type": "string"})",
        R"j({"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}})j"}) {
    auto tools = kTools;
    tools.push_back({"broken", bad});
    const auto made = call_grammars(hermes(), tools, kRequired);
    ASSERT_EQ(made.remarks.size(), 1U) << bad;
    EXPECT_TRUE(made.remarks[0].starts_with("tool 'broken' takes any JSON object: the JSON schema "))
        << made.remarks[0];
    EXPECT_EQ(held(made.whole, "<tool_call>\n{\"name\": \"broken\", \"arguments\": {\"x\": []}}\n</tool_call>"),
              Held::Whole);
    EXPECT_EQ(held(made.whole, "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"lake\"}}"), Held::Refused);
  }
}

// A tool with many optional parameters of all kinds: about 1,700 bytes of schema.
std::string large_schema(int tool) {
  std::string properties;
  for (int i = 0; i < 14; ++i) {
    properties += std::format(
        R"({}"parameter_{}_{}": {{"type": "{}", "description": "What the tool does with it, in a few words{}"{}}})",
        i == 0 ? "" : ", ", tool, i,
        i % 3 == 0   ? "string"
        : i % 3 == 1 ? "array"
                     : "integer",
        std::string(20, '.'),
        i % 3 == 0   ? R"(, "maxLength": 2000)"
        : i % 3 == 1 ? R"(, "items": {"type": "string", "maxLength": 500}, "maxItems": 1999)"
                     : "");
  }
  return std::format(R"({{"type": "object", "properties": {{{}}}}})", properties);
}

TEST(CallGrammar, SixtyToolsWithAHundredKilobytesOfSchemasLoadInLlamaCpp) {
  std::vector<OfferedTool> tools;
  std::size_t bytes = 0;
  for (int i = 0; i < 60; ++i) {
    tools.push_back({std::format("tool_{}", i), large_schema(i)});
    bytes += tools.back().parameters.size();
  }
  ASSERT_GE(bytes, 100'000U);
  const auto made = call_grammars(hermes(), tools, kRequired);
  EXPECT_TRUE(made.remarks.empty()) << made.remarks.front();
  const std::string call =
      "<tool_call>\n{\"name\": \"tool_59\", \"arguments\": {\"parameter_59_2\": 7, \"parameter_59_4\": "
      "[\"a\"]}}\n</tool_call>";
  EXPECT_EQ(held(made.whole, call), Held::Whole);
  EXPECT_EQ(held(made.rest, call.substr(11)), Held::Whole);
  EXPECT_EQ(held(made.rest, "\n{\"name\": \"tool_59\", \"arguments\": {\"parameter_58_2\""), Held::Refused);
}

// Each of these is more than llama.cpp reads if it is written out as it stands.
TEST(CallGrammar, KeepsToTheNumbersOfRepetitionsThatLlamaCppReads) {
  std::string members;
  for (int i = 0; i < 131; ++i) members += std::format(R"({}"p{}": {{"type": "string"}})", i == 0 ? "" : ", ", i);
  const std::pair<std::string, std::string> rows[] = {
      {R"({"type": "object", "properties": {"a": {"type": "string", "maxLength": 65536}}})", R"({"a": "b"})"},
      {R"({"type": "object", "properties": {"a": {"type": "string", "maxLength": 2000, "minLength": 1}}})",
       R"({"a": "b"})"},
      {R"({"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]{1,2000}$"}}})", R"({"a": "b"})"},
      {R"({"type": "object", "properties": {"a": {"type": "string", "pattern": "^([a-z]{1,60}-){0,9}$"}}})",
       R"({"a": "b-"})"},
      {R"({"type": "object", "properties": {"a": {"type": "array", "minItems": 1, )"
       R"("maxItems": 5000, "items": {"type": "array", "maxItems": 3000}}}})",
       R"({"a": [[]]})"},
      {R"({"type": "object", "maxProperties": 3000, "additionalProperties": {"type": "integer"}})", R"({"a": 1})"},
      {std::format(R"({{"type": "object", "properties": {{{}}}}})", members), R"({"p0": "a", "p130": "b"})"},
  };
  for (const auto& [schema, arguments] : rows) {
    const auto made = call_grammars(hermes(), std::vector<OfferedTool>{{"a", schema}, {"b", schema}}, kRequired);
    EXPECT_TRUE(made.remarks.empty()) << made.remarks.front();
    for (const char* name : {"a", "b"}) {
      EXPECT_EQ(held(made.whole, std::format("<tool_call>\n{{\"name\": \"{}\", \"arguments\": {}}}\n</tool_call>", name,
                                             arguments)),
                Held::Whole)
          << schema.substr(0, 200);
    }
    EXPECT_EQ(held(made.whole, "<tool_call>\n{\"name\": \"a\", \"arguments\": {\"a\": {}"), Held::Refused)
        << schema.substr(0, 200);
  }
}

// Schemas whose grammars are large, or would be slow: llama.cpp follows every value of a list at once.
TEST(CallGrammar, ATooLargeSchemaLeavesRoomForTheOthers) {
  const auto listing = [](int count, int length) {
    std::string values;
    for (int i = 0; i < count; ++i) {
      values += std::format(R"({}"{}{}")", i == 0 ? "" : ", ", i, std::string(static_cast<std::size_t>(length), 'x'));
    }
    return std::format(R"({{"type": "object", "properties": {{"a": {{"enum": [{}]}}}}, "required": ["a"]}})", values);
  };
  auto tools = kTools;
  tools.insert(tools.begin(), {"first", listing(60, 4'000)});
  tools.push_back({"second", listing(61, 4'000)});
  tools.push_back({"third", listing(62, 4'000)});
  std::string characters;  // that have nothing in common
  for (int i = 0; i < 2'001; ++i) {
    const char bytes[] = {'\xe4', static_cast<char>(0x80 + i / 64), static_cast<char>(0x80 + i % 64)};
    characters += (i == 0 ? "\"" : ", \"") + std::string(bytes, sizeof bytes) + "\"";
  }
  tools.push_back({"slow", std::format(R"({{"properties": {{"a": {{"enum": [{}]}}}}}})", characters)});
  const auto made = call_grammars(hermes(), tools, kRequired);
  ASSERT_EQ(made.remarks.size(), 2U);
  EXPECT_TRUE(made.remarks[0].starts_with("tool 'third' takes any JSON object: the grammars of all tools"))
      << made.remarks[0];
  EXPECT_TRUE(made.remarks[1].starts_with("tool 'slow' takes any JSON object: the JSON schema lists more than 2000"))
      << made.remarks[1];
  const auto begins = [&](std::string_view tool) {
    return held(made.whole, std::format("<tool_call>\n{{\"name\": \"{}\", \"arguments\": {{\"a\": \"y\"", tool));
  };
  EXPECT_EQ(begins("first"), Held::Refused);
  EXPECT_EQ(begins("second"), Held::Refused);
  EXPECT_EQ(begins("third"), Held::Begun);
  EXPECT_EQ(begins("slow"), Held::Begun);
  EXPECT_EQ(begins("look"), Held::Refused);
}

// Qwen3-Coder's way: texts as they are, everything else as JSON.
const CallPattern kTags{.format = "test",
                        .call = "<tool_call>\n<function=%N>\n%A</function>\n</tool_call>",
                        .between = "\n",
                        .marker = "<tool_call>",
                        .parameter = "<parameter=%K>\n%V\n</parameter>\n",
                        .value_closer = "\n</parameter>"};

TEST(CallGrammar, HoldsParametersBetweenTagsToTheirSchemas) {
  const std::vector<OfferedTool> tools{
      {"write", R"({"type": "object", "$defs": {"n": {"type": "integer", "minimum": 0}}, "required": ["path", "text"],
                    "properties": {"path": {"type": "string"}, "text": {"type": ["string", "null"]},
                                   "mode": {"enum": ["new", "more"]}, "at": {"$ref": "#/$defs/n", "type": "integer"},
                                   "tags": {"type": "array", "items": {"type": "string"}}}})"},
      {"any"},
      {"odd", R"({"type": "object", "properties": {"a>b": {"type": "string"}}})"}};
  const auto made = call_grammars(kTags, tools, kRequired);
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_TRUE(made.remarks[0].starts_with("tool 'odd' takes any parameters")) << made.remarks[0];
  const auto call = [](std::string_view name, std::string_view inside) {
    return std::format("<tool_call>\n<function={}>\n{}</function>\n</tool_call>", name, inside);
  };
  const std::string path = "<parameter=path>\na/\"b\" </param>\n\n</parameter>\n";
  const std::string text = "<parameter=text>\n<p>\n</parameter\n< /parameter>\n</p>\n</parameter>\n";
  const std::pair<std::string, Held> rows[] = {
      {call("write", path + text), Held::Whole},
      {call("write", path), Held::Refused},
      {call("write", text + path), Held::Refused},
      {call("write", path + text + "<parameter=mode>\nmore\n</parameter>\n"), Held::Whole},
      {call("write", path + text + "<parameter=mode>\nless\n</parameter>\n"), Held::Refused},
      {call("write", path + text + "<parameter=at>\n12\n</parameter>\n"), Held::Whole},
      {call("write", path + text + "<parameter=at>\n-1\n</parameter>\n"), Held::Refused},
      {call("write", path + text + "<parameter=tags>\n[\"a\", \"b\"]\n</parameter>\n"), Held::Whole},
      {call("write", path + text + "<parameter=tags>\na\n</parameter>\n"), Held::Refused},
      {call("any", "<parameter=x>\n{\n</parameter>\n<parameter=y-2>\n\n</parameter>\n"), Held::Whole},
      {call("any", ""), Held::Whole},
      {call("other", ""), Held::Refused},
  };
  for (const auto& [reply, wanted] : rows) EXPECT_EQ(held(made.whole, reply), wanted) << reply;
  EXPECT_EQ(held(made.rest, call("write", path + text).substr(11)), Held::Whole);
}

TEST(CallGrammar, APatternWithAnOpenerHoldsAllCallsBehindIt) {
  const CallPattern list{.format = "test",
                         .opener = "[CALLS]%_[%_",
                         .call = "{\"name\": \"%N\", \"arguments\": %A, \"id\": \"%I\"}",
                         .between = ", ",
                         .closer = "%_]",
                         .marker = "[CALLS]"};
  const auto made = call_grammars(list, kTools, {});
  const std::string one = R"({"name": "look", "arguments": {"at": "sky"}, "id": "abcdefgh1"})";
  EXPECT_EQ(held(made.rest, "[" + one + "]"), Held::Whole);
  EXPECT_EQ(held(made.rest, "[" + one + ", " + one + "]"), Held::Whole);
  EXPECT_EQ(held(made.rest, "[" + one), Held::Begun);
  EXPECT_EQ(held(made.rest, R"([{"name": "look", "arguments": {"at": "sky"}, "id": "abc"})"), Held::Refused);
  const auto single = call_grammars(list, kTools, {.several = false});
  EXPECT_EQ(held(single.rest, "[" + one + ", "), Held::Refused);
}

TEST(CallGrammar, TheOpenerOfAFormatWithoutAPatternIsForced) {
  const std::string gbnf = opener_grammar("<|tool|>", "<think>");
  EXPECT_EQ(held(gbnf, "<|tool|>whatever \"it\"\n writes"), Held::Whole);
  EXPECT_EQ(held(gbnf, "<think>"), Held::Whole);
  EXPECT_EQ(held(gbnf, "I will"), Held::Refused);
}

// What a pattern writes is what its grammars allow, and what its format reads.
TEST(CallGrammar, EveryPatternWritesCallsThatItsGrammarsAllowAndItsFormatReads) {
  const std::vector<OfferedTool> tools{
      {"look",
       R"({"type": "object", "properties": {"at": {"type": "string", "pattern": "^s[a-z]+$"}}, "required": ["at"]})"},
      {"other"}};
  const auto filled = [](const CallPattern& pattern, std::string_view value) {
    std::string parameter(pattern.parameter);
    for (const auto& [place, text] : {std::pair{"%K", "at"}, {"%V", value.data()}, {"%T", "true"}}) {
      if (const auto at = parameter.find(place); at != std::string::npos) parameter.replace(at, 2, text);
    }
    const auto arguments = pattern.parameter.empty() ? std::format(R"({{"at": "{}"}})", value) : parameter;
    return pattern_text(pattern.opener, "", "") + pattern_text(pattern.call, "look", arguments) +
           pattern_text(pattern.closer, "", "");
  };
  for (const auto& pattern : call_patterns()) {
    const std::string reply = filled(pattern, "sky");
    const auto made = call_grammars(pattern, tools, kRequired);
    EXPECT_TRUE(made.remarks.empty());
    EXPECT_EQ(held(made.whole, reply), Held::Whole) << pattern.format << ": " << reply;
    EXPECT_EQ(held(made.whole, reply.substr(0, reply.size() / 2)), Held::Begun) << pattern.format;
    if (pattern.parameter.empty()) {
      EXPECT_EQ(held(made.whole, filled(pattern, "lake")), Held::Refused) << pattern.format;
    }
    if (!pattern.marker.empty()) {
      const std::size_t behind = reply.find(pattern.marker) + pattern.marker.size();
      EXPECT_EQ(held(made.rest, reply.substr(behind)), Held::Whole) << pattern.format;
    } else {
      EXPECT_EQ(made.rest, "");
    }
    const ReplyFormatKind& kind = reply_format_named(pattern.format);
    EXPECT_EQ(kind.name, pattern.format) << "there is no such format";
    const auto format = kind.make({.tools = {"look", "other"}, .tool_parameters = {tools[0].parameters, ""}});
    ReplyEvents events;
    format->push({.text = reply}, events);
    format->finish(ReplyEnd::Whole, events);
    std::string name, arguments;
    for (const auto& event : events) {
      if (const auto* begun = std::get_if<ToolCallBegun>(&event)) name += begun->name;
      if (const auto* more = std::get_if<ToolCallArguments>(&event)) arguments += more->json;
    }
    EXPECT_EQ(name, "look") << pattern.format << ": " << reply;
    EXPECT_TRUE(validate_call(tools[0].parameters, arguments)) << pattern.format << ": " << arguments;
  }
}

// A control token stands for its text in a grammar; one that ends generation stands for nothing but the end.
TEST(CallGrammar, ControlTokensAreTheirTextsAndTheEndIsOnlyTheEnd) {
  const auto model = vocabulary();
  const auto entries = model->vocabulary();
  for (Token token = 0; token < model->vocabulary_size(); ++token) {
    const auto& entry = entries[static_cast<std::size_t>(token)];
    if (entry.kind != TokenKind::Control || entry.text.empty()) continue;
    auto grammar = Grammar::parse(model, opener_grammar(entry.text));
    ASSERT_TRUE(grammar);
    EXPECT_EQ(grammar->allows(token), !model->ends_generation(token)) << entry.text;
    EXPECT_FALSE(grammar->may_end());
    if (model->ends_generation(token)) {
      EXPECT_FALSE(grammar->accept(token)) << "refused, and no abort";
    } else {
      EXPECT_TRUE(grammar->accept(token));
    }
  }
}

}  // namespace
}  // namespace llama::internal
