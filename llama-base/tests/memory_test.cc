#include "llama-base/memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory()
      : root_(fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
    write("proc/meminfo", "MemTotal:  2000 kB\nMemAvailable:  1000 kB\n");
  }
  ~AvailableMemory() override { fs::remove_all(root_); }
  void write(std::string_view path, std::string_view text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  fs::path root_;
};

TEST_F(AvailableMemory, IsTheMachinesWithoutAGroup) { EXPECT_EQ(available_memory(root_), 1'024'000u); }

TEST_F(AvailableMemory, IsUnknownWhereNothingIsSaid) {
  fs::remove_all(root_);
  EXPECT_EQ(available_memory(root_), std::nullopt);
}

TEST_F(AvailableMemory, IsWhatAContainerMayStillTake) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "500000\n");
  write("sys/fs/cgroup/memory.current", "300000\n");
  EXPECT_EQ(available_memory(root_), 200'000u);
  write("sys/fs/cgroup/memory.stat", "anon 100000\ninactive_file 50000\nactive_file 30000\n");
  EXPECT_EQ(available_memory(root_), 280'000u);  // files in memory are given up
  write("sys/fs/cgroup/memory.current", "600000\n");
  EXPECT_EQ(available_memory(root_), 0u);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(available_memory(root_), 1'024'000u);
}

TEST_F(AvailableMemory, IsThatOfTheTightestGroupAbove) {
  write("proc/self/cgroup", "0::/user.slice/run-1.scope\n");
  write("sys/fs/cgroup/user.slice/run-1.scope/memory.max", "max\n");
  write("sys/fs/cgroup/user.slice/run-1.scope/memory.current", "1000\n");
  write("sys/fs/cgroup/user.slice/memory.max", "400000\n");
  write("sys/fs/cgroup/user.slice/memory.current", "100000\n");
  EXPECT_EQ(available_memory(root_), 300'000u);
}

TEST_F(AvailableMemory, IsThatOfAGroupOfTheFirstVersionWhateverTheHostCallsIt) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/docker/12ab\n4:memory:/docker/12ab\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "700000\n");
  write("sys/fs/cgroup/memory/memory.usage_in_bytes", "300000\n");
  write("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 100000\ntotal_active_file 1000\n");
  EXPECT_EQ(available_memory(root_), 501'000u);
}

}  // namespace
}  // namespace llama::internal
