#include "sequence_history.h"

#include <gtest/gtest.h>

#include <vector>

namespace llama::internal {
namespace {

std::vector<Token> tokens_of(const SequenceHistory& history, std::int32_t sequence) {
  const auto tokens = history.of(sequence);
  return {tokens.begin(), tokens.end()};
}

SequenceHistory with(std::vector<std::vector<Token>> sequences) {
  SequenceHistory history(static_cast<std::int32_t>(sequences.size()));
  for (std::size_t s = 0; s < sequences.size(); ++s) history.set(static_cast<std::int32_t>(s), sequences[s]);
  return history;
}

TEST(SequenceHistory, FollowsWhatIsDoneToAContext) {
  SequenceHistory history(2);
  for (std::int32_t i = 0; i < 4; ++i) history.put({.token = 10 + i, .sequence = 0, .position = i});
  history.share(0, 1, 3);
  history.put({.token = 99, .sequence = 1, .position = 3});
  history.cut(0, 1);
  history.put({.token = 77, .sequence = 0, .position = 1});
  EXPECT_EQ(tokens_of(history, 0), (std::vector<Token>{10, 77}));
  EXPECT_EQ(tokens_of(history, 1), (std::vector<Token>{10, 11, 12, 99}));
  history.cut(1, 0);
  EXPECT_EQ(history.length(1), 0);
}

TEST(SequenceHistory, TakesATokenThatReplacesOthers) {
  auto history = with({{1, 2, 3, 4}});
  history.put({.token = 9, .sequence = 0, .position = 2});
  EXPECT_EQ(tokens_of(history, 0), (std::vector<Token>{1, 2, 9}));
}

TEST(SequenceHistory, SharesNoMoreThanThereIs) {
  auto history = with({{1, 2}, {5}});
  history.share(0, 1, 7);
  EXPECT_EQ(tokens_of(history, 1), (std::vector<Token>{1, 2}));
  history.share(1, 1, 1);
  EXPECT_EQ(history.length(1), 2);
}

TEST(SequenceHistory, FindsTheLongestBeginningBefore) {
  const auto history = with({{1, 2, 3}, {1, 2, 9, 9}, {1, 2, 9, 4}, {8}});
  EXPECT_EQ(history.longest_beginning(0).length, 0);
  EXPECT_EQ(history.longest_beginning(1).length, 2);
  EXPECT_EQ(history.longest_beginning(2).sequence, 1);
  EXPECT_EQ(history.longest_beginning(2).length, 3);
  EXPECT_EQ(history.longest_beginning(3).length, 0);
}

TEST(SavedSequence, ComesBack) {
  const std::vector<Token> tokens{3, 1, 4};
  auto bytes = saved_header(tokens);
  bytes.push_back(std::byte{42});
  const auto saved = read_saved(bytes);
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->tokens, tokens);
  ASSERT_EQ(saved->state.size(), 1);
  EXPECT_EQ(saved->state[0], std::byte{42});
}

TEST(SavedSequence, RefusesBytesOfSomethingElse) {
  const auto whole = saved_header(std::vector<Token>{3, 1, 4});
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(read_saved(std::span(whole).first(length)));
  EXPECT_FALSE(read_saved(std::vector<std::byte>(100, std::byte{255})));
}

}  // namespace
}  // namespace llama::internal
