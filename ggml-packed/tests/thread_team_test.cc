#include "plugin/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace ggml_packed {
namespace {

TEST(ThreadTeam, DoesEachPieceOnceInManyJobsInARow) {
  for (const int threads : {1, 2, 5}) {
    ThreadTeam team(threads);
    for (std::size_t job = 0; job < 3000; ++job) {
      const std::size_t count = job % 17;
      std::vector<std::atomic<int>> seen(count);
      team.for_each(count, [&](std::size_t i) { seen[i].fetch_add(1); });
      team.for_each_at_home(count, [&](std::size_t i) { seen[i].fetch_add(1); });
      for (const auto& s : seen) ASSERT_EQ(s, 2);
    }
  }
}

// A worker that comes late to a small job must not take a piece of the larger one that is being set up.
TEST(ThreadTeam, TakesNoPieceOfAJobThatHasNotBegun) {
  ThreadTeam team(3);
  for (int round = 0; round < 100000; ++round) {
    std::atomic<int> small = 0, large = 0;
    team.for_each(2, [&small](std::size_t) { small.fetch_add(1, std::memory_order_relaxed); });
    team.for_each_at_home(24, [&large](std::size_t) { large.fetch_add(1, std::memory_order_relaxed); });
    ASSERT_EQ(small, 2);
    ASSERT_EQ(large, 24);
  }
}

TEST(ThreadTeam, CoversARangeWithoutGaps) {
  ThreadTeam team(3);
  for (const std::size_t count : {0U, 1U, 7U, 100U, 1001U}) {
    std::vector<std::atomic<int>> seen(count);
    team.for_ranges(count, 8, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) seen[i].fetch_add(1);
    });
    for (const auto& s : seen) ASSERT_EQ(s, 1);
  }
}

TEST(ThreadTeam, CoversARangeInPartsThatShrinkWithinEachThreadsShare) {
  for (const std::size_t threads : {1U, 2U, 5U}) {
    ThreadTeam team(static_cast<int>(threads));
    for (const std::size_t count : {0U, 1U, 7U, 100U, 1001U}) {
      std::vector<std::atomic<std::size_t>> size_at(count);
      team.for_shrinking_ranges(count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) size_at[i] += end - begin;
      });
      for (std::size_t home = 0; home < threads; ++home) {
        const std::size_t begin = count * home / threads, end = count * (home + 1) / threads;
        for (std::size_t i = begin + 1; i < end; ++i) ASSERT_LE(size_at[i], size_at[i - 1]);
        if (begin < end) {
          ASSERT_LE(size_at[end - 1], 2);
        }
      }
    }
  }
}

bool comes_true(const auto& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

// Nobody ends its first piece before each has one. A team's first job: a thread that still looks through the shares of
// the job before may help with the next one before it begins at home.
TEST(ThreadTeam, BeginsAtHome) {
  constexpr std::size_t kThreads = 3, kPieces = 30;
  for (int round = 0; round < 100; ++round) {
    ThreadTeam team(kThreads);
    std::atomic<std::size_t> begun = 0, met = 0;
    std::vector<std::atomic<std::size_t>> order(kPieces);
    team.for_each_at_home(kPieces, [&](std::size_t i) {
      order[i] = begun.fetch_add(1);
      if (comes_true([&] { return begun >= kThreads; })) ++met;
    });
    ASSERT_EQ(met, kPieces);
    for (const std::size_t first : {0U, 10U, 20U}) ASSERT_LT(order[first], kThreads);
  }
}

// The first piece ends when all others are done: those after it in its thread's share as well.
TEST(ThreadTeam, DoesThePiecesOfAThreadThatIsHeldUp) {
  constexpr std::size_t kPieces = 30;
  ThreadTeam team(3);
  for (int round = 0; round < 100; ++round) {
    std::atomic<std::size_t> done = 0;
    std::atomic<bool> all = true;
    team.for_each_at_home(kPieces, [&](std::size_t i) {
      if (i == 0) all = comes_true([&] { return done == kPieces - 1; });
      ++done;
    });
    ASSERT_TRUE(all);
    ASSERT_EQ(done, kPieces);
  }
}

TEST(ThreadTeam, WakesUpAfterAPause) {
  ThreadTeam team(2);
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> sum = 0;
    team.for_each(4, [&](std::size_t piece) { sum += static_cast<int>(piece); });
    EXPECT_EQ(sum, 6);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

// Does a team of four end, after `jobs` jobs and a pause in which its threads fall asleep? A destructor that waits for
// ever is told as a failure, and not by the whole program hanging.
bool team_ends_after(int jobs) {
  auto ended = std::make_shared<std::promise<int>>();
  auto pieces = ended->get_future();
  std::thread([ended, jobs] {
    std::atomic<int> done = 0;
    {
      ThreadTeam team(4);
      for (int job = 0; job < jobs; ++job) team.for_each(10, [&](std::size_t) { ++done; });
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ended->set_value(done);
  }).detach();
  return pieces.wait_for(std::chrono::seconds(60)) == std::future_status::ready && pieces.get() == jobs * 10;
}

TEST(ThreadTeam, EndsWithoutEverHavingWorked) { EXPECT_TRUE(team_ends_after(0)); }
TEST(ThreadTeam, EndsWhileItsThreadsSleep) { EXPECT_TRUE(team_ends_after(3)); }

}  // namespace
}  // namespace ggml_packed
