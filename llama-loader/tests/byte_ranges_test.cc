#include "download/byte_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace llama::internal {
namespace {

TEST(ByteRanges, JoinsWhatTouches) {
  ByteRanges ranges;
  ranges.add({10, 20});
  ranges.add({30, 40});
  ranges.add({5, 5});
  EXPECT_EQ(ranges.total(), 20u);
  EXPECT_EQ(ranges.prefix(), 0u);
  ranges.add({20, 30});
  EXPECT_EQ(ranges.ranges(), (std::vector<ByteRange>{{10, 40}}));
  ranges.add({0, 10});
  EXPECT_EQ(ranges.prefix(), 40u);
}

TEST(ByteRanges, KnowsWhatIsMissingInPieces) {
  ByteRanges ranges;
  ranges.add({4, 6});
  EXPECT_EQ(ranges.missing(10, 3), (std::vector<ByteRange>{{0, 3}, {3, 4}, {6, 9}, {9, 10}}));
  EXPECT_EQ(ranges.missing(5), (std::vector<ByteRange>{{0, 4}}));
  ranges.add({0, 10});
  EXPECT_TRUE(ranges.missing(10).empty());
}

TEST(ByteRanges, AgreesWithASetOfBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    ByteRanges ranges;
    std::vector<bool> bytes(64);
    for (int i = 0; i < 12; ++i) {
      const std::uint64_t begin = random() % 60, end = begin + random() % 10;
      ranges.add({begin, std::min<std::uint64_t>(end, 64)});
      for (std::uint64_t at = begin; at < std::min<std::uint64_t>(end, 64); ++at) bytes[at] = true;
      std::uint64_t there = 0;
      for (const bool byte : bytes) there += byte ? 1 : 0;
      ASSERT_EQ(ranges.total(), there);
      std::uint64_t missing = 0;
      for (const ByteRange& gap : ranges.missing(64, 7)) {
        missing += gap.size();
        ASSERT_LE(gap.size(), 7u);
        for (std::uint64_t at = gap.begin; at < gap.end; ++at) ASSERT_FALSE(bytes[at]);
      }
      ASSERT_EQ(missing + there, 64u);
    }
  }
}

}  // namespace
}  // namespace llama::internal
