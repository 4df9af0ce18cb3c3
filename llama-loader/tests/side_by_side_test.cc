#include "download/side_by_side.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace llama::internal {
namespace {

TEST(SideBySide, DoesEachPieceOnce) {
  for (const std::size_t count : {0, 1, 3, 200}) {
    std::vector<std::atomic<int>> done(count);
    std::array<std::atomic<int>, 4> busy{};
    int ticks = 0;
    const auto all = side_by_side(
        count, 4, {},
        [&](const PieceOfWork& piece) -> Result<void> {
          EXPECT_EQ(++busy.at(piece.worker), 1) << "one piece at a time for each worker";
          ++done[piece.number];
          --busy.at(piece.worker);
          return {};
        },
        [&] { ++ticks; });
    EXPECT_TRUE(all);
    EXPECT_GE(ticks, 1);
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(SideBySide, TheFirstFailureStopsTheOthersAndIsTold) {
  std::atomic<int> begun = 0;
  const auto all = side_by_side(
      100, 4, {},
      [&](const PieceOfWork& piece) -> Result<void> {
        ++begun;
        if (piece.number == 2) return fail(ErrorCode::Network, "the third");
        while (!piece.stop.stop_requested()) std::this_thread::yield();
        return fail(ErrorCode::Cancelled, "stopped");
      },
      [] {});
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().message, "the third");
  EXPECT_LE(begun, 4);
}

TEST(SideBySide, EndsOnAStop) {
  std::stop_source stop;
  const auto all = side_by_side(
      100, 2, stop.get_token(),
      [&](const PieceOfWork& piece) -> Result<void> {
        if (piece.number == 5) stop.request_stop();
        return {};
      },
      [] {});
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama::internal
