#include "priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <thread>

namespace llama {
namespace {

int niceness() { return getpriority(PRIO_PROCESS, 0); }

// Niceness cannot be taken back: each case is a process of its own.
TEST(PriorityDeathTest, IsThatOfEveryThread) {
  const auto all_are_nice = [] {
    std::atomic<bool> is_lowered = false;
    int before = -1, after = -1;
    {
      const std::jthread early([&] {
        is_lowered.wait(false);
        before = niceness();
      });
      const bool done = be_nice(15).has_value();
      is_lowered = true;
      is_lowered.notify_all();
      const std::jthread late([&] { after = niceness(); });
      if (!done) std::_Exit(2);
    }
    std::_Exit(niceness() == 15 && after == 15 && before == 15 ? 0 : 1);
  };
  EXPECT_EXIT(all_are_nice(), testing::ExitedWithCode(0), "");
}

TEST(PriorityDeathTest, IsNotRaised) {
  const auto stays = [] { std::_Exit(be_nice(19) && be_nice(3) && niceness() == 19 ? 0 : 1); };
  EXPECT_EXIT(stays(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace llama
