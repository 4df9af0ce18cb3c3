#include "shared_prefix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace llama::internal {
namespace {

// A text of the tokens 0, 1, 2, … of which the first `same` are every text's, and the others its own.
std::vector<Token> text_of(std::size_t same, std::size_t length, Token own) {
  std::vector<Token> tokens(length);
  std::ranges::iota(tokens, 0);
  for (std::size_t i = same; i < length; ++i) tokens[i] = 1000 + own;
  return tokens;
}

std::vector<PrefixGroup> groups_of(const std::vector<std::vector<Token>>& texts, bool may_share = true) {
  const std::vector<std::span<const Token>> views(texts.begin(), texts.end());
  auto groups = group_by_prefix(views, [&](std::size_t) { return may_share; });
  std::multiset<std::size_t> seen, expected;
  for (const PrefixGroup& group : groups) {
    seen.insert(group.texts.begin(), group.texts.end());
    for (const std::size_t i : group.texts) {
      EXPECT_TRUE(group.prefix == 0 || texts[i].size() > group.prefix);
      EXPECT_TRUE(std::equal(texts[i].begin(), texts[i].begin() + static_cast<std::ptrdiff_t>(group.prefix),
                             texts[group.texts[0]].begin()));
    }
  }
  for (std::size_t i = 0; i < texts.size(); ++i) expected.insert(i);
  EXPECT_EQ(seen, expected);  // each once
  return groups;
}

TEST(SharedPrefix, IsWhatAllTextsBeginWith) {
  struct Row {
    const char* what;
    std::vector<std::vector<Token>> texts;
    std::size_t prefix;
  };
  const std::vector<Row> rows = {
      {"a prompt", {text_of(20, 30, 1), text_of(20, 25, 2), text_of(20, 90, 3)}, 20},
      {"one text", {text_of(20, 30, 1)}, 0},
      {"no text", {}, 0},
      {"nothing in common", {text_of(0, 30, 1), text_of(0, 30, 2)}, 0},
      {"too little", {text_of(3, 8, 1), text_of(3, 8, 2)}, 0},
      {"one text without the prompt", {text_of(20, 30, 1), text_of(20, 30, 2), text_of(0, 30, 3)}, 0},
      {"equal texts keep their last token", {text_of(30, 30, 1), text_of(30, 30, 2)}, 29},
      {"equal up to the last token", {text_of(29, 30, 1), text_of(29, 30, 2)}, 29},
      {"a text that is the beginning of the others", {text_of(12, 12, 1), text_of(40, 40, 2), text_of(40, 40, 3)}, 11},
      {"a saving that does not show", {text_of(5, 200, 1), text_of(5, 200, 2)}, 0},
  };
  for (const Row& row : rows) {
    const auto groups = groups_of(row.texts);
    ASSERT_EQ(groups.size(), 1u) << row.what;
    EXPECT_EQ(groups[0].prefix, row.prefix) << row.what;
  }
}

TEST(SharedPrefix, IsNotSharedWhereTheModelCannot) {
  const auto groups = groups_of({text_of(20, 30, 1), text_of(20, 25, 2)}, false);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].prefix, 0u);
}

// A prefix is rounded as the texts are that share it, or not at all.
TEST(SharedPrefix, IsNotSharedBetweenTextsThatAreRoundedAndTextsThatAreNot) {
  std::vector<std::vector<Token>> texts;
  for (Token i = 0; i < 10; ++i) texts.push_back(text_of(20, 30, i));
  texts.push_back(text_of(20, kRoundedLength, 10));
  texts.push_back(text_of(20, 400, 11));
  auto groups = groups_of(texts);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].texts, (std::vector<std::size_t>{10, 11}));
  EXPECT_EQ(groups[0].prefix, 0u);
  EXPECT_EQ(groups[1].prefix, 20u);

  texts[10] = text_of(300, 310, 10);
  texts[11] = text_of(300, 310, 11);
  groups = groups_of(texts);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].prefix, 300u);
  EXPECT_EQ(groups[1].prefix, 20u);
}

TEST(SharedPrefix, AsksForTheLongestOfThoseThatWouldShare) {
  const std::vector<std::vector<Token>> texts{text_of(20, 30, 1), text_of(20, 90, 2), text_of(20, 300, 3)};
  const std::vector<std::span<const Token>> views(texts.begin(), texts.end());
  std::vector<std::size_t> asked;
  (void)group_by_prefix(views, [&](std::size_t longest) {
    asked.push_back(longest);
    return true;
  });
  EXPECT_EQ(asked, std::vector<std::size_t>{90});
}

TEST(SharedPrefix, LeavesHalfOfABudgetAtLeast) {
  EXPECT_EQ(budget_beside(0, 512), 512u);
  EXPECT_EQ(budget_beside(20, 512), 492u);
  EXPECT_EQ(budget_beside(256, 512), 256u);
  EXPECT_EQ(budget_beside(400, 512), 256u);
  EXPECT_EQ(budget_beside(9000, 512), 256u);
  EXPECT_EQ(budget_beside(9, 1), 1u);
}

}  // namespace
}  // namespace llama::internal
