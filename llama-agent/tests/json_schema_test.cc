#include "llama-agent/json_schema.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace llama {
namespace {

std::string refusal(std::string_view text) {
  const auto schema = JsonSchema::parse(text);
  return schema ? "" : schema.error().message;
}

TEST(JsonSchema, ChecksDocuments) {
  const auto schema = JsonSchema::parse(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$defs":{"n":{"type":"integer","minimum":3}},
          "type":"object","required":["a"],"properties":{"a":{"$ref":"#/$defs/n"},
          "t":{"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}]},"p":{"type":"string","pattern":"^x"}}})");
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
  EXPECT_NE(std::ranges::find(schema->unenforced(), "pattern"), schema->unenforced().end());
  EXPECT_NE(std::ranges::find(schema->unenforced(), "minimum"), schema->unenforced().end());
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
  EXPECT_TRUE(refusal(R"({"$ref":"#"})").contains("itself"));
  EXPECT_TRUE(refusal(R"({"anyOf":[{"$ref":"#"},{"type":"null"}]})").contains("itself"));
  EXPECT_TRUE(refusal(R"({"enum":[]})").contains("enum"));
  EXPECT_TRUE(refusal(R"({"properties":{"a":false}})").contains("nothing"));
  EXPECT_TRUE(refusal(R"({"type":"string","minLength":9,"maxLength":3})").contains("minLength"));
  EXPECT_TRUE(refusal(R"({"type":"string","minLength":-1})").contains("minLength"));
  EXPECT_TRUE(refusal(std::string(300 * 1024, ' ')).contains("bytes"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"items":)";
  EXPECT_TRUE(refusal(deep + "{}" + std::string(100, '}')).contains("deep"));
  EXPECT_TRUE(refusal(std::string(5000, '[')).contains("deep"));
}

TEST(JsonSchema, AllowsRecursionInsideBrackets) {
  EXPECT_EQ(refusal(R"({"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}})"), "");
  EXPECT_EQ(refusal(R"({"type":"array","items":{"$ref":"#"}})"), "");
}

}  // namespace
}  // namespace llama
