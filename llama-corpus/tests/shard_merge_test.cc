#include "llama-corpus/shard_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "llama-corpus/shard.h"

namespace llama {
namespace {

using Rows = std::vector<std::uint64_t>;

struct Merged {
  Rows rows;
  std::vector<std::uint32_t> shards;
  std::string error;
};

Merged merge(const std::vector<Rows>& shards) {
  std::vector<std::size_t> at(shards.size());
  std::vector<std::optional<std::uint64_t>> present(shards.size());
  ShardMerge order(static_cast<std::uint32_t>(shards.size()),
                   [&](std::uint32_t shard) -> Result<std::optional<std::uint64_t>> {
                     present[shard].reset();
                     if (at[shard] < shards[shard].size()) present[shard] = shards[shard][at[shard]++];
                     return present[shard];
                   });
  Merged merged;
  for (;;) {
    const auto next = order.next();
    if (!next) {
      merged.error = next.error().message;
      return merged;
    }
    if (!*next) return merged;
    merged.rows.push_back(*present[**next]);
    merged.shards.push_back(**next);
  }
}

TEST(ShardMerge, BringsDealtRowsBackIntoOrderWhateverIsMissingOrCameInChunks) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    const auto count = static_cast<std::uint32_t>(1 + random() % 9);
    std::vector<Rows> shards(count);
    Rows expected;
    const std::uint64_t rows = random() % 200;
    for (std::uint64_t row = 0; row < rows; ++row) {
      const std::size_t times = random() % 3 == 0 ? random() % 4 : 1;  // skipped, whole, or in chunks
      for (std::uint32_t index = 0; index < count; ++index)
        if (Shard{index, count}.has(row)) shards[index].insert(shards[index].end(), times, row);
      expected.insert(expected.end(), times, row);
    }
    const auto merged = merge(shards);
    ASSERT_EQ(merged.error, "");
    ASSERT_EQ(merged.rows, expected);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(merged.shards[i], expected[i] % count);
  }
}

TEST(ShardMerge, OfNothingIsNothing) {
  EXPECT_THAT(merge({}).rows, testing::IsEmpty());
  EXPECT_THAT(merge({{}, {}}).rows, testing::IsEmpty());
  EXPECT_EQ(merge({{}, {1}}).rows, (Rows{1}));
}

TEST(ShardMerge, RefusesRowsThatAreNotTheShardsOrComeBackwards) {
  EXPECT_EQ(merge({{0, 2}, {1, 4}}).error, "shard 1/2 has row 4, which is shard 0's");
  EXPECT_EQ(merge({{0, 4, 2}, {1}}).error, "shard 0/2 has row 2 after row 4");
}

TEST(ShardMerge, HandsOutTheReadersError) {
  int calls = 0;
  ShardMerge order(2, [&](std::uint32_t shard) -> Result<std::optional<std::uint64_t>> {
    if (++calls == 3) return fail(ErrorCode::Io, "gone");
    return shard;
  });
  EXPECT_TRUE(order.next());
  EXPECT_EQ(order.next().error().message, "gone");
}

}  // namespace
}  // namespace llama
