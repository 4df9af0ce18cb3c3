#include "vectors/query_prompt.h"

#include <gmock/gmock.h>

namespace llama {
namespace {

using ::testing::HasSubstr;

std::optional<PromptConvention> convention_of(std::string name) {
  return find_prompt_convention({.architecture = "bert", .name = std::move(name)}, "");
}

TEST(QueryPrompt, IsTheFamilysWhereTheTextsHaveThatOfDocuments) {
  const auto e5 = convention_of("e5-base-v2");
  ASSERT_TRUE(e5);
  EXPECT_EQ(choose_query_prompt("passage: {text}", e5).pattern, "query: {text}");
  // Documents of this family are read as they are.
  const auto qwen = convention_of("Qwen3-Embedding-0.6B");
  ASSERT_TRUE(qwen);
  EXPECT_EQ(choose_query_prompt(std::nullopt, qwen).pattern, qwen->query);
  EXPECT_EQ(choose_query_prompt("{text}", qwen).pattern, qwen->query);
  // A document's title is no title of the query.
  EXPECT_EQ(choose_query_prompt("passage: {title} {text}", e5).pattern, "query: {text}");
}

TEST(QueryPrompt, IsThatOfTheTextsWhereAllAreAlike) {
  const auto e5 = convention_of("e5-base-v2");
  EXPECT_EQ(choose_query_prompt("query: {text}", e5).pattern, "query: {text}");
  const auto nomic = convention_of("nomic-embed-text-v1.5");
  ASSERT_TRUE(nomic);
  EXPECT_EQ(choose_query_prompt("clustering: {text}", nomic).pattern, "clustering: {text}");
  EXPECT_EQ(choose_query_prompt("x: {text}", std::nullopt).pattern, "x: {text}");
  // The user's own words, of a family that is known.
  EXPECT_EQ(choose_query_prompt("note: {text}", e5).pattern, "note: {text}");
  EXPECT_EQ(choose_query_prompt("note: {text}", convention_of("Qwen3-Embedding-0.6B")).pattern, "note: {text}");
}

TEST(QueryPrompt, IsNoneWhereNothingIsKnown) {
  const QueryPrompt none = choose_query_prompt(std::nullopt, std::nullopt);
  EXPECT_EQ(none.pattern, std::nullopt);
  EXPECT_EQ(none.warning, "");
  const QueryPrompt other = choose_query_prompt("{title}: {text}", std::nullopt);
  EXPECT_EQ(other.pattern, std::nullopt);
  EXPECT_THAT(other.warning, HasSubstr("{title}: {text}"));
}

TEST(QueryPrompt, IsNoneAndToldWhereTheTextsLackTheirs) {
  const QueryPrompt chosen = choose_query_prompt(std::nullopt, convention_of("e5-base-v2"));
  EXPECT_EQ(chosen.pattern, std::nullopt);
  EXPECT_THAT(chosen.warning, HasSubstr("passage: {text}"));
  const QueryPrompt same = choose_query_prompt("{text}", convention_of("e5-base-v2"));
  EXPECT_EQ(same.pattern, std::nullopt);
  EXPECT_THAT(same.warning, HasSubstr("passage: {text}"));
}

}  // namespace
}  // namespace llama
