#include "llama-agent/json_schema.h"

#include <gtest/gtest.h>

#include <atomic>
#include <format>
#include <string>
#include <thread>
#include <vector>

namespace llama {
namespace {

std::string refusal(std::string_view text) {
  const auto schema = JsonSchema::parse(text);
  return schema ? "" : schema.error().message;
}

// Which of the documents fit, as 1 and 0; or why the schema is refused.
std::string fitting(std::string_view schema, std::initializer_list<std::string_view> documents) {
  const auto parsed = JsonSchema::parse(schema);
  if (!parsed) return parsed.error().message;
  std::string verdicts;
  for (const auto document : documents) verdicts += parsed->validate(document) ? '1' : '0';
  return verdicts;
}

std::vector<std::string> unenforced(std::string_view text) {
  const auto schema = JsonSchema::parse(text);
  return schema ? schema->unenforced() : std::vector{schema.error().message};
}

using Remarks = std::vector<std::string>;

TEST(JsonSchema, ChecksDocuments) {
  const auto schema = JsonSchema::parse(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"n":{"type":"integer","minimum":3}},
          "type":"object","required":["a"],"properties":{"a":{"$ref":"#/$defs/n"},
          "t":{"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}]},
          "p":{"type":"string","pattern":"^x"}}})");
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_TRUE(schema->validate(R"({"a":3})"));
  EXPECT_TRUE(schema->validate(R"({"a":4,"t":["x",true],"p":"xy"})"));
  EXPECT_FALSE(schema->validate(R"({"a":2})"));
  EXPECT_FALSE(schema->validate(R"({"a":4,"t":[1,true]})"));
  EXPECT_FALSE(schema->validate(R"({"a":4,"p":"y"})"));
  EXPECT_FALSE(schema->validate(R"({})"));
  const auto cut = schema->validate(R"({"a":)");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::InvalidText);
  EXPECT_TRUE(schema->unenforced().empty());
}

TEST(JsonSchema, SaysWhereADocumentDeparts) {
  const auto schema = JsonSchema::parse(R"({"properties":{"a":{"items":{"pattern":"^x"}}}})");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->validate(R"({"a":["x","y"]})").error().message, "at /a/1: it does not match '^x'");
  EXPECT_EQ(schema->validate("[").error().message, "it is no complete JSON");
}

TEST(JsonSchema, WritesPropertiesInTheirOrder) {
  const auto schema = JsonSchema::parse(
      R"({"properties":{"z":{"type":"string"},"a":{"enum":["x",1]}},"required":["z"],"additionalProperties":false})");
  ASSERT_TRUE(schema);
  const std::string& gbnf = schema->grammar();
  EXPECT_LT(gbnf.find(R"("\"z\"")"), gbnf.find(R"("\"a\"")"));
  EXPECT_TRUE(gbnf.starts_with("root ::="));
  EXPECT_TRUE(schema->unenforced().empty());
}

TEST(JsonSchema, MergesAllOf) {
  const auto schema = JsonSchema::parse(
      R"({"$defs":{"b":{"properties":{"b":{"type":"null"}},"required":["b"]}},
          "allOf":[{"properties":{"a":{"type":"boolean"}}},{"$ref":"#/$defs/b"}]})");
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_TRUE(schema->grammar().contains(R"("\"a\"")"));
  EXPECT_TRUE(schema->grammar().contains(R"("\"b\"")"));
}

TEST(JsonSchema, RefusesWhatIsNone) {
  EXPECT_TRUE(refusal("{").contains("no JSON"));
  EXPECT_TRUE(refusal("[]").contains("no JSON object"));
  EXPECT_TRUE(refusal(R"({"type":"strange"})").contains("'strange'"));
  EXPECT_TRUE(refusal(R"({"type":"a\t\u001b"})").contains("'a  '")) << "a schema's words cannot drive a terminal";
  EXPECT_TRUE(refusal(R"({"type":7})").contains("type"));
  EXPECT_TRUE(refusal(R"({"$ref":"#/nowhere"})").contains("#/nowhere"));
  EXPECT_TRUE(refusal(R"({"$ref":"https://example.org/x"})").contains("example.org"));
  EXPECT_TRUE(refusal(R"({"enum":[]})").contains("enum"));
  EXPECT_TRUE(refusal(R"({"anyOf":[]})").contains("anyOf"));
  EXPECT_TRUE(refusal(R"({"type":"string","minLength":-1})").contains("minLength"));
  EXPECT_TRUE(refusal(R"({"multipleOf":0})").contains("multipleOf"));
  EXPECT_TRUE(refusal(R"({"$schema":"https://example.org/mine"})").contains("example.org/mine"));
  EXPECT_TRUE(refusal(std::string(300 * 1024, ' ')).contains("bytes"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"items":)";
  EXPECT_TRUE(refusal(deep + "{}" + std::string(100, '}')).contains("deep"));
  EXPECT_TRUE(refusal(std::string(5000, '[')).contains("deep"));
}

TEST(JsonSchema, RefusesWhatNothingFits) {
  EXPECT_TRUE(refusal("false").contains("nothing"));
  EXPECT_TRUE(refusal(R"({"properties":{"a":false},"required":["a"]})").contains("nothing"));
  EXPECT_TRUE(refusal(R"({"type":"string","minLength":9,"maxLength":3})").contains("nothing"));
  EXPECT_TRUE(refusal(R"({"allOf":[{"type":"string"},{"type":"null"}]})").contains("nothing"));
  EXPECT_TRUE(refusal(R"({"type":"integer","minimum":5,"maximum":4})").contains("nothing"));
  // Objects in objects without an end: there is no such document.
  EXPECT_TRUE(refusal(R"({"type":"object","required":["a"],"properties":{"a":{"$ref":"#"}}})").contains("nothing"));
  EXPECT_EQ(refusal(R"({"properties":{"a":false}})"), "");
}

TEST(JsonSchema, EndsWhereASchemaRefersToItself) {
  EXPECT_TRUE(refusal(R"({"$ref":"#"})").contains("itself"));
  EXPECT_TRUE(refusal(R"({"not":{"$ref":"#"}})").contains("itself"));
  EXPECT_TRUE(refusal(R"({"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"})")
                  .contains("itself"));
  // A choice that leads back to the choice adds nothing to the others.
  EXPECT_EQ(fitting(R"({"anyOf":[{"type":"object"},{"$ref":"#"}]})", {"{}", "3"}), "10");
  EXPECT_EQ(fitting(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})", {"null", "3"}), "10");
  EXPECT_EQ(fitting(R"({"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"type":"null"}]},
                                 "b":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"string"}]}},
                        "items":{"$ref":"#/$defs/a"},"contains":{"$ref":"#/$defs/b"}})",
                    {R"([null,"x"])", R"([null])", R"([1])"}),
            "110");
  EXPECT_EQ(fitting(R"({"$dynamicAnchor":"n","anyOf":[{"$dynamicRef":"#n"},{"type":"null"}]})", {"null", "3"}), "10");
  EXPECT_EQ(fitting(R"({"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,
                        "anyOf":[{"$recursiveRef":"#"},{"type":"null"}]})",
                    {"null", "3"}),
            "10");
  EXPECT_TRUE(refusal(R"({"$dynamicAnchor":"n","$dynamicRef":"#n"})").contains("itself"));
  EXPECT_TRUE(refusal(R"({"$dynamicAnchor":"n","oneOf":[{"$dynamicRef":"#n"},{"type":"null"}]})").contains("itself"));
  // Two schemas have the anchor, and from the outer one on the inner one's reference means the outer one.
  const std::string_view inner = R"("$defs":{"b":{"$id":"b","$dynamicAnchor":"n",
                                                  "anyOf":[{"$dynamicRef":"#n"},{"type":"null"}]}})";
  EXPECT_EQ(fitting(std::format(R"({{"$id":"http://a/a","$dynamicAnchor":"n","anyOf":[{{"$ref":"b"}},
                                     {{"type":"boolean"}}],{}}})",
                                inner),
                    {"null", "true", "3"}),
            "110");
  EXPECT_TRUE(
      refusal(std::format(R"({{"$id":"http://a/a","$dynamicAnchor":"n","allOf":[{{"$dynamicRef":"#n"}}],{}}})", inner))
          .contains("itself"));
  EXPECT_EQ(fitting(R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}})",
                    {R"({"next":{"next":null}})", R"({"next":{"next":1}})"}),
            "10");
  EXPECT_EQ(fitting(R"({"type":"array","items":{"$ref":"#"}})", {"[[],[[]]]", "[[],1]"}), "10");
}

// Each level names the next one twice: 2^60 ways to the same schema.
TEST(JsonSchema, DoesNotGrowWithSharedParts) {
  for (const std::string keyword : {"allOf", "anyOf", "oneOf"}) {
    std::string schema = R"({"$defs":{"d60":{"type":"string"})";
    for (int i = 0; i < 60; ++i) {
      const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
      schema += ",\"d" + std::to_string(i) + R"(":{")" + keyword + "\":[" + next + "," + next + "]}";
    }
    schema += R"(},"$ref":"#/$defs/d0"})";
    const auto parsed = JsonSchema::parse(schema);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_LT(parsed->grammar().size(), 100'000U);
    EXPECT_EQ(parsed->validate("\"x\"").has_value(), keyword != "oneOf");  // fits both, so not one
    EXPECT_FALSE(parsed->validate("3"));
  }
}

// Choices beside choices: 4^40 combinations. What the grammar does not tell apart is told.
TEST(JsonSchema, DoesNotMultiplyChoicesWithoutBound) {
  std::string schema = R"({"allOf":[{"type":"object"})";
  for (int i = 0; i < 40; ++i) {
    schema += R"(,{"anyOf":[)";
    for (int k = 0; k < 4; ++k)
      schema += std::string(k > 0 ? "," : "") + R"({"required":["n)" + std::to_string(10 * i + k) + "\"]}";
    schema += "]}";
  }
  const auto parsed = JsonSchema::parse(schema + "]}");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_FALSE(parsed->unenforced().empty());
  EXPECT_FALSE(parsed->validate("{}"));
}

TEST(JsonSchema, HoldsTuplesToTheirNumberOfItems) {
  const std::string_view schema =
      R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},
          "minItems":1,"maxItems":3})";
  EXPECT_EQ(fitting(schema, {"[]", "[1]", R"([1,"a"])", R"([1,"a",null])", R"([1,"a",null,null])", R"([1,"a",2])"}),
            "011100");
  EXPECT_TRUE(unenforced(schema).empty());
}

TEST(JsonSchema, TellsWhatOnlyTheCheckLooksAt) {
  EXPECT_EQ(unenforced(R"({"properties":{"a":{"type":"array","uniqueItems":true},"b":{"not":{"type":"null"}}}})"),
            (Remarks{"not at #/properties/b", "uniqueItems at #/properties/a"}));
  EXPECT_EQ(unenforced(R"({"type":"number","multipleOf":0.5})"), Remarks{"multipleOf at #"});
  EXPECT_EQ(unenforced(R"({"type":"array","contains":{"type":"null"}})"), Remarks{"contains at #"});
  EXPECT_EQ(unenforced(R"({"type":"object","dependentRequired":{"a":["b"]}})"), Remarks{"dependentRequired at #"});
  EXPECT_EQ(unenforced(R"({"if":{"type":"null"},"then":{"const":null},"else":{"type":"string"}})"), Remarks{"if at #"});
  EXPECT_EQ(unenforced(R"({"oneOf":[{"type":"string"},{"minLength":2}]})"), Remarks{"oneOf at #"});
  // No value fits two of these, so that one of them is what anyOf would say.
  EXPECT_TRUE(unenforced(R"({"oneOf":[{"type":"string"},{"type":"null"}]})").empty());
  EXPECT_TRUE(unenforced(R"({"oneOf":[{"required":["k"],"type":"object","properties":{"k":{"const":1}}},
                                      {"required":["k"],"type":"object","properties":{"k":{"const":2}}}]})")
                  .empty());
}

TEST(JsonSchema, RefusesPatternsThatCannotBeMatched) {
  const std::string message = refusal(R"({"properties":{"a":{"pattern":"^(?=x)y"}}})");
  EXPECT_TRUE(message.contains("'^(?=x)y'")) << message;
  EXPECT_TRUE(message.contains("look-ahead")) << message;
  EXPECT_TRUE(message.contains("#/properties/a")) << message;
  EXPECT_TRUE(refusal(R"({"pattern":"(?<!a)b"})").contains("look-behind"));
  EXPECT_TRUE(refusal(R"({"pattern":"(a)\\1"})").contains("back-reference"));
  EXPECT_TRUE(refusal(R"({"patternProperties":{"(":true}})").contains("'('"));
  EXPECT_TRUE(refusal(R"({"pattern":"((a{1000}){1000}){1000}"})").contains("repetitions"));
}

// A pattern that takes a backtracking engine for ever, and one whose states are too many for a grammar.
TEST(JsonSchema, MatchesPatternsInLinearTime) {
  const auto schema = JsonSchema::parse(R"({"type":"string","pattern":"^(a+)+$"})");
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_TRUE(schema->unenforced().empty());
  EXPECT_FALSE(schema->validate("\"" + std::string(100'000, 'a') + "b\""));
  EXPECT_TRUE(schema->validate("\"" + std::string(100'000, 'a') + "\""));
  EXPECT_EQ(unenforced(R"({"type":"string","pattern":"(a|b)*a(a|b){20}$"})"), Remarks{"pattern at #"});
}

TEST(JsonSchema, ReadsReferencesByNameAndPlace) {
  EXPECT_EQ(fitting(R"({"$defs":{"x":{"$anchor":"here","type":"null"}},"items":{"$ref":"#here"}})", {"[null]", "[1]"}),
            "10");
  EXPECT_EQ(fitting(R"({"$id":"https://a.example/root.json","$defs":{"x":{"$id":"part.json","type":"null"}},
                        "items":{"$ref":"/part.json"}})",
                    {"[null]", "[1]"}),
            "10");
  EXPECT_EQ(fitting(R"({"definitions":{"a/b~c":{"type":"null"}},"items":{"$ref":"#/definitions/a~1b~0c"}})",
                    {"[null]", "[1]"}),
            "10");
}

TEST(JsonSchema, RefusesToCheckWhatIsTooDeep) {
  const auto schema = JsonSchema::parse(R"({"items":{"$ref":"#"}})");
  ASSERT_TRUE(schema);
  EXPECT_TRUE(schema->validate(std::string(200, '[') + std::string(200, ']')));
  EXPECT_TRUE(schema->validate(std::string(100'000, '[') + std::string(100'000, ']')).error().message.contains("deep"));
}

TEST(JsonSchema, IsReadOnce) {
  const std::string_view text = R"({"type":"string","pattern":"^once$"})";
  const auto first = JsonSchema::parse(text), again = JsonSchema::parse(text),
             exact = JsonSchema::parse(text, {.exact = true});
  EXPECT_EQ(&first->grammar(), &again->grammar());
  EXPECT_NE(&first->grammar(), &exact->grammar());
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(JsonSchema::parse(R"({"const":)" + std::to_string(i) + "}"));
  EXPECT_NE(&first->grammar(), &JsonSchema::parse(text)->grammar());
}

TEST(JsonSchema, IsSharedByThreads) {
  const auto schema = JsonSchema::parse(R"({"items":{"anyOf":[{"pattern":"^a+$"},{"type":"null"}]}})");
  ASSERT_TRUE(schema);
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = *schema, &right] {
      for (int k = 0; k < 100; ++k) right += copy.validate(R"(["aa",null])") && !copy.validate(R"(["ab"])");
    });
  }
  threads.clear();
  EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace llama
