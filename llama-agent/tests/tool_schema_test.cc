#include "llama-agent/tool_schema.h"

#include <gtest/gtest.h>

#include <format>
#include <string>

namespace llama {
namespace {

std::string said(std::string_view schema, std::string_view arguments, const CallLimits& limits = {}) {
  const auto valid = validate_call(schema, arguments, limits);
  return valid ? "good" : valid.error().message;
}

constexpr std::string_view kWeather =
    R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 14}},
        "required": ["city"]})";

TEST(ToolSchema, SaysWhatIsWrongWithTheArgumentsOfACall) {
  const std::pair<std::string, std::string> rows[] = {
      {said(kWeather, R"({"city": "Zürich", "days": 2})"), "good"},
      {said(kWeather, R"({"days": 2})"), "city"},
      {said(kWeather, R"({"city": 3})"), "city"},
      {said(kWeather, R"({"city": "Bern", "days": 15})"), "days"},
      {said(kWeather, R"({"city": "Bern", "day": 1})"), "good"},
      {said(kWeather, R"(["Bern"])"), "no JSON object"},
      {said(kWeather, R"({"city": "Bern)"), "no complete JSON"},
      {said(kWeather, ""), "no complete JSON"},
      {said("", R"({"anything": [1]})"), "good"},
      {said("", "7"), "no JSON object"},
      {said("true", "{}"), "good"},
      {said(R"({"properties": {"a": {"type": "null"}}})", R"({"a": 1})"), "a"},
      {said(R"({"type": ["object", "null"]})", "{}"), "good"},
      {said(R"({"type": ["object", "null"]})", "null"), "no JSON object"},
  };
  for (const auto& [got, wanted] : rows) EXPECT_TRUE(got.contains(wanted)) << got << "\n  lacks: " << wanted;
}

TEST(ToolSchema, LimitsTheSizeAndTheDepthOfArguments) {
  const std::string large = std::format(R"({{"a": "{}"}})", std::string(1'000'000, 'x'));
  EXPECT_TRUE(said("", large).contains("1000009 bytes"));
  EXPECT_EQ(said("", large, {.max_argument_bytes = 2'000'000}), "good");
  std::string deep = "{}";
  for (int i = 0; i < 63; ++i) deep = std::format(R"({{"a": {}}})", deep);
  EXPECT_EQ(said("", deep), "good");
  EXPECT_TRUE(said("", std::format(R"({{"a": {}}})", deep)).contains("65 levels deep, at most 64"));
  EXPECT_TRUE(said("", std::string(900'000, '[')).contains("levels deep")) << "and no stack is used up";
}

TEST(ToolSchema, ASchemaThatCannotBeUsedRefusesNoCall) {
  for (const std::string_view bad :
       {R"({"$ref": "https://example.org/other.json"})", R"({"$ref": "#"})", R"({"type": "string"})", "{", "[]",
        "false", R"j({"properties": {"a": {"pattern": "(?=a)b"}}})j"}) {
    const auto usable = check_tool_schema(bad);
    ASSERT_FALSE(usable) << bad;
    EXPECT_TRUE(usable.error().message.contains("JSON schema")) << usable.error().message;
    EXPECT_FALSE(usable.error().message.contains('\n'));
    EXPECT_EQ(said(bad, R"({"a": "b"})"), "good") << bad;
    EXPECT_NE(said(bad, R"({"a": "b")"), "good") << bad;
  }
  EXPECT_TRUE(check_tool_schema(kWeather));
  EXPECT_TRUE(check_tool_schema(""));
}

}  // namespace
}  // namespace llama
