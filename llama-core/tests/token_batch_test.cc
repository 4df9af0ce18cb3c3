#include "llama-core/token_batch.h"

#include <gtest/gtest.h>

#include "llama-core/pooling.h"

namespace llama {
namespace {

TEST(TokenBatch, CountsTokensAndSequences) {
  TokenBatch batch;
  const std::vector<Token> a{1, 2, 3}, b{4};
  ASSERT_TRUE(batch.add_sequence(a));
  ASSERT_TRUE(batch.add_sequence(b));
  EXPECT_EQ(batch.token_count(), 4u);
  EXPECT_EQ(batch.sequence_count(), 2u);
  batch.clear();
  EXPECT_EQ(batch.token_count(), 0u);
  EXPECT_EQ(batch.sequence_count(), 0u);
}

TEST(TokenBatch, RefusesASequenceWithoutTokens) {
  TokenBatch batch;
  EXPECT_EQ(batch.add_sequence({}).error().code, ErrorCode::InvalidArgument);
}

TEST(TokenBatch, CountsAPrefixOnce) {
  TokenBatch batch;
  const std::vector<Token> prefix{7, 8, 9}, a{1, 2}, b{3};
  ASSERT_TRUE(batch.set_prefix(prefix));
  ASSERT_TRUE(batch.add_sequence(a));
  ASSERT_TRUE(batch.add_sequence(b));
  EXPECT_EQ(batch.token_count(), 6u);
  EXPECT_EQ(batch.sequence_count(), 2u);
  EXPECT_EQ(batch.set_prefix(prefix).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(batch.add_sequence({}).error().code, ErrorCode::InvalidArgument);
  batch.clear();
  ASSERT_TRUE(batch.set_prefix(prefix));
  ASSERT_TRUE(batch.set_prefix(a));  // another one
  ASSERT_TRUE(batch.add_sequence(b));
  EXPECT_EQ(batch.token_count(), 3u);
}

TEST(TokenBatch, TakesPairsBesideSequencesAndNoPrefix) {
  TokenBatch batch;
  const std::vector<Token> a{1, 2, 3};
  ASSERT_TRUE(batch.add_sequence(a));
  ASSERT_TRUE(batch.add_pair(a, 2));
  ASSERT_TRUE(batch.add_sequence(a));
  EXPECT_EQ(batch.token_count(), 9u);
  EXPECT_EQ(batch.sequence_count(), 3u);
  EXPECT_EQ(batch.add_pair({}, 0).error().code, ErrorCode::InvalidArgument);
  batch.clear();
  ASSERT_TRUE(batch.set_prefix(a));
  EXPECT_EQ(batch.add_pair(a, 1).error().code, ErrorCode::InvalidArgument);
}

TEST(Pooling, NamesAreReadBack) {
  for (const Pooling p : {Pooling::None, Pooling::Mean, Pooling::Cls, Pooling::Last, Pooling::Rank}) {
    EXPECT_EQ(parse_pooling(to_string(p)), p);
  }
  EXPECT_FALSE(parse_pooling("max"));
}

}  // namespace
}  // namespace llama
