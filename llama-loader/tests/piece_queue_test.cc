#include "download/piece_queue.h"

#include <gtest/gtest.h>

#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace llama::internal {
namespace {

TEST(PieceQueue, GivesEveryByteOnceToManyLanes) {
  ByteRanges none;
  PieceQueue queue(none.missing(1000, 7), 1000);
  std::mutex mutex;
  ByteRanges done;
  std::uint64_t fetched = 0;
  {
    std::vector<std::jthread> lanes;
    for (unsigned lane = 0; lane < 4; ++lane) {
      lanes.emplace_back([&, lane] {
        std::mt19937 random(lane);
        while (auto piece = queue.take({})) {
          const std::uint64_t came = random() % (piece->range.size() + 1);  // it may break off anywhere
          {
            const std::scoped_lock lock(mutex);
            done.add({piece->range.begin, piece->range.begin + came});
            fetched += came;
          }
          piece->range.begin += came;
          queue.give_back(*piece);
        }
      });
    }
  }
  EXPECT_EQ(done.prefix(), 1000u);
  EXPECT_EQ(fetched, 1000u);
}

TEST(PieceQueue, GivesTheWholeToOneLaneWhereThereAreNoPieces) {
  PieceQueue queue(ByteRanges().missing(100, 10), 100);
  const auto first = queue.take({}), second = queue.take({});
  ASSERT_TRUE(first && second);
  queue.no_pieces();
  EXPECT_TRUE(queue.claim_whole()) << "the lane that gets the file from its beginning anyway";
  EXPECT_FALSE(queue.claim_whole()) << "another one";
  queue.give_back(*second);
  queue.give_back({.range = {40, 100}, .whole = true});  // broken off
  const auto again = queue.take({});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->range, (ByteRange{0, 100}));
  EXPECT_TRUE(again->whole);
  queue.give_back({.range = {100, 100}, .whole = true});
  EXPECT_FALSE(queue.take({}));
}

TEST(PieceQueue, EndsWhenStopped) {
  PieceQueue queue({{0, 10}}, 10);
  std::stop_source stop;
  const auto taken = queue.take(stop.get_token());
  ASSERT_TRUE(taken);
  std::jthread other([&] { EXPECT_FALSE(queue.take(stop.get_token())); });
  stop.request_stop();
}

}  // namespace
}  // namespace llama::internal
