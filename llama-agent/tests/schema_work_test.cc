// Schemas that are short and would take minutes: each is read or refused, and reading one can be stopped.
#include <gtest/gtest.h>

#include <algorithm>
#include <format>
#include <functional>
#include <ranges>
#include <stop_token>
#include <string>
#include <vector>

#include "../src/schema/character_property.h"
#include "../src/schema/schema_budget.h"
#include "llama-agent/json_schema.h"

namespace llama {
namespace {

// Parts that are made one by one, with commas between them.
std::string listed(int count, const std::function<std::string(int)>& part) {
  std::string all;
  for (int i = 0; i < count; ++i) all += (i == 0 ? "" : ",") + part(i);
  return all;
}

// Each pattern is a thousand ranges of characters, repeated hundreds of times.
std::string letters_of_many_lengths() {
  return R"({"properties":{)" +
         listed(250,
                [](int i) {
                  return std::format(R"("p{}":{{"pattern":"^[\\p{{L}}\\p{{N}}]{{1,{}}}[\\p{{Lu}}]+$"}})", i, i + 100);
                }) +
         "}}";
}

std::string reason_of_refusal(const std::string& text) {
  const auto schema = JsonSchema::parse(text);
  return schema ? "" : schema.error().message;
}

TEST(SchemaWork, IsCountedOverAllPatterns) {
  EXPECT_TRUE(
      reason_of_refusal(letters_of_many_lengths()).contains("patterns that together would take too long to read"));
  // Fewer of them are the usual ones for names of people and of places.
  const auto names = JsonSchema::parse(R"({"properties":{"a":{"pattern":"^[\\p{L}\\p{M}' -]{1,100}$"},
                                                         "b":{"pattern":"^[\\p{L}\\p{N} .,-]{0,255}$"}}})");
  ASSERT_TRUE(names) << names.error().message;
  EXPECT_TRUE(names->unenforced().empty());
  EXPECT_TRUE(names->validate(R"({"a":"Zoë","b":"Ōsaka 2"})"));
  EXPECT_FALSE(names->validate(R"({"a":"Zoë3"})"));
}

// 2^8 combinations of a thousand schemas in each of thousands of places.
TEST(SchemaWork, IsCountedOverAllCombinations) {
  const std::string schema =
      R"({"$defs":{"w":{"allOf":[)" + listed(8, [](int) { return R"({"anyOf":[{},{"title":"x"}]})"; }) + "," +
      listed(1000, [](int i) { return std::format(R"({{"minimum":{}}})", i); }) + R"(]}},"properties":{)" +
      listed(
          2500,
          [](int i) { return std::format(R"("p{}":{{"allOf":[{{"$ref":"#/$defs/w"}},{{"maximum":{}}}]}})", i, i); }) +
      "}}";
  EXPECT_TRUE(reason_of_refusal(schema).contains("too long to make its grammar")) << reason_of_refusal(schema);
}

TEST(SchemaWork, IsCountedOverAllValuesThatAreWritten) {
  const std::string schema =
      R"({"$defs":{"e":{"enum":[")" + std::string(100'000, 'x') + R"(","y"]}},"properties":{)" +
      listed(900, [](int i) { return std::format(R"("p{}":{{"$ref":"#/$defs/e","minLength":{}}})", i, i); }) + "}}";
  EXPECT_TRUE(reason_of_refusal(schema).contains("too large"));
}

TEST(SchemaWork, EndsWhenItIsToldTo) {
  std::stop_source stop;
  stop.request_stop();
  const std::string_view text = R"({"pattern":"^[\\p{L}\\p{N}]{1,60}[\\p{Lu}]+$"})";
  const auto stopped = JsonSchema::parse(text, {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Cancelled);
  EXPECT_TRUE(JsonSchema::parse(text)) << "what was stopped is not remembered";
}

// The process keeps the characters of each property; what asking for them costs counts nevertheless.
TEST(SchemaWork, DoesNotDependOnWhatWasReadBefore) {
  internal::SchemaWork first, again;
  for (auto* work : {&first, &again}) {
    EXPECT_NE(internal::characters_of_property("Script=Ogham", *work), nullptr);
    EXPECT_NE(internal::characters_of_property("sc=Ogham", *work), nullptr) << "which is the same, and counts once";
  }
  EXPECT_GT(first.spent(), 0U);
  EXPECT_EQ(first.spent(), again.spent());

  std::string scripts;
  for (const auto* script :
       {"Adlam",    "Ahom",     "Avestan",    "Balinese",    "Bamum",     "Batak",      "Bengali",   "Bhaiksuki",
        "Bopomofo", "Brahmi",   "Braille",    "Buginese",    "Buhid",     "Carian",     "Chakma",    "Cham",
        "Cherokee", "Coptic",   "Cuneiform",  "Cypriot",     "Deseret",   "Devanagari", "Duployan",  "Elbasan",
        "Ethiopic", "Georgian", "Glagolitic", "Gothic",      "Grantha",   "Gujarati",   "Gurmukhi",  "Hanunoo",
        "Hatran",   "Hebrew",   "Javanese",   "Kaithi",      "Kannada",   "Katakana",   "Kayah_Li",  "Kharoshthi",
        "Khmer",    "Khojki",   "Khudawadi",  "Lao",         "Lepcha",    "Limbu",      "Linear_A",  "Linear_B",
        "Lisu",     "Lycian",   "Lydian",     "Mahajani",    "Malayalam", "Mandaic",    "Mongolian", "Mro",
        "Multani",  "Myanmar",  "Nabataean",  "New_Tai_Lue", "Newa",      "Nko",        "Nushu",     "Ol_Chiki",
        "Oriya",    "Osage",    "Osmanya",    "Palmyrene",   "Phags_Pa",  "Phoenician", "Rejang",    "Runic"}) {
    scripts += std::format(R"(\\p{{Script={}}})", script);
  }
  const std::string schema = std::format(R"({{"pattern":"^[{}]$"}})", scripts);
  std::vector<std::string> outcomes;
  for (const auto* blank : {"", " ", "  "}) {  // another text, which is not remembered
    internal::SchemaBudget little({}, 20'000'000);
    const auto read = little.read(schema + blank);
    outcomes.push_back(read ? read->grammar() : read.error().message);
    ASSERT_TRUE(JsonSchema::parse(std::format(R"({{"pattern":"^[{}]$","title":"{}"}})", scripts, blank)));
  }
  EXPECT_EQ(outcomes, std::vector<std::string>(3, outcomes[0]));
}

TEST(SchemaWork, IsSharedByTheSchemasOfOneRequest) {
  const auto text = [](int i) { return std::format(R"({{"pattern":"^[\\p{{L}}\\p{{N}}]{{1,{}}}[\\p{{Lu}}]+$"}})", i); };
  for (const bool was_read : {false, true}) {
    internal::SchemaBudget budget;
    int read = 0;
    for (; read < 100; ++read) {
      const auto schema = budget.read(text(150 + read));
      if (schema) continue;
      EXPECT_EQ(schema.error().code, ErrorCode::TimedOut);
      break;
    }
    EXPECT_GT(read, 0);
    EXPECT_LT(read, 100);
    EXPECT_EQ(budget.left(), 0U);
    static int before = read;
    EXPECT_EQ(read, before) << "what is remembered takes as much: " << was_read;
  }
}

// llama.cpp compares all alternatives of a rule with each other.
TEST(SchemaWork, OfThousandsOfListedValuesIsNotThatOfTheirSquare) {
  const auto number = [](int i) { return std::to_string(i); };
  const auto word = [](int i) { return std::format(R"("värde {}")", i); };
  for (const std::string& values : {listed(38'000, number), listed(15'000, word)}) {
    const auto schema = JsonSchema::parse(R"({"enum":[)" + values + "]}");
    ASSERT_TRUE(schema) << schema.error().message;
    EXPECT_TRUE(schema->unenforced().empty());
    for (const auto line : std::views::split(schema->grammar(), '\n')) EXPECT_LE(std::ranges::count(line, '|'), 64);
    EXPECT_LT(schema->grammar().size(), 400'000U);
  }
  // Few values stand as they are, in their order.
  EXPECT_TRUE(JsonSchema::parse(R"({"enum":["b","a",1]})")
                  ->grammar()
                  .starts_with("root ::= \"\\\"b\\\"\" | \"\\\"a\\\"\" | \"1\"\n"));
}

// Of two members with one name the last counts, as everywhere.
TEST(SchemaWork, OfThousandsOfMembersIsNotThatOfTheirSquare) {
  const auto schema = JsonSchema::parse(R"({"type":"null","x-first":{"a":[1,{"b":2}]},"type":"object",)" +
                                        listed(20'000, [](int i) { return std::format(R"("x-{}":0)", i); }) +
                                        R"(,"properties":{"z":{"type":"null"},"a":{"type":"null"}}})");
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_LT(schema->grammar().find(R"("\"z\"")"), schema->grammar().find(R"("\"a\"")"));
  EXPECT_TRUE(schema->validate(R"({"z":null})"));
  EXPECT_FALSE(schema->validate("null"));
  EXPECT_EQ(
      reason_of_refusal("{\"a\":\n[1,}"),
      "the JSON schema is no JSON: parse error at line 2, column 4: syntax error while parsing value - unexpected "
      "'}'; expected '[', '{', or a literal");
}

}  // namespace
}  // namespace llama
