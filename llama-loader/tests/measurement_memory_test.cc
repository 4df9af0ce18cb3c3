#include "llama-loader/measurement_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string_view>
#include <thread>
#include <vector>

namespace llama {
namespace {

namespace fs = std::filesystem;

class MeasurementMemoryTest : public testing::Test {
 protected:
  MeasurementMemoryTest() : folder_(fs::path(testing::TempDir()) / ("memory-" + std::to_string(::getpid()))) {}
  ~MeasurementMemoryTest() override { fs::remove_all(folder_); }

  void write(std::string_view content) const {
    fs::create_directories(folder_);
    std::ofstream(memory().file(), std::ios::binary) << content;
  }
  [[nodiscard]] MeasurementMemory memory() const { return MeasurementMemory(folder_); }
  fs::path folder_;
};

TEST_F(MeasurementMemoryTest, RemembersWhatItWasTold) {
  EXPECT_EQ(memory().recall("a"), std::nullopt);
  memory().remember("a", 512);
  memory().remember("b", 1024);
  memory().remember("a", 256);
  EXPECT_EQ(memory().recall("a"), 256);
  EXPECT_EQ(memory().recall("b"), 1024);
  EXPECT_EQ(memory().recall("c"), std::nullopt);
}

TEST_F(MeasurementMemoryTest, TakesADamagedFileForAnEmptyOne) {
  for (const char* damaged :
       {"", "{", "[1]", "null", "\xff\xfe", R"({"version": 2, "measured": {"a": {"value": 1}}})", R"({"version": 1})",
        R"({"version": 1, "measured": [1]})", R"({"version": 1, "measured": {"a": 1}})",
        R"({"version": 1, "measured": {"a": {"value": "1"}}})", R"({"version": 1, "measured": {"a": {}}})"}) {
    write(damaged);
    EXPECT_EQ(memory().recall("a"), std::nullopt) << damaged;
    memory().remember("a", 7);
    EXPECT_EQ(memory().recall("a"), 7) << damaged;
  }
}

TEST_F(MeasurementMemoryTest, IsSilentWhereItCannotWrite) {
  write("");
  const MeasurementMemory below(memory().file());  // a file where its folder should be
  below.remember("a", 1);
  EXPECT_EQ(below.recall("a"), std::nullopt);
}

TEST_F(MeasurementMemoryTest, DropsTheOldestOfMany) {
  write(R"({"version": 1, "measured": {"old": {"value": 1, "measured": 5}}})");
  EXPECT_EQ(memory().recall("old"), 1);
  for (int i = 0; i < 200; ++i) memory().remember("key " + std::to_string(i), i);
  EXPECT_EQ(memory().recall("old"), std::nullopt);
  EXPECT_EQ(memory().recall("key 0"), 0);
}

TEST_F(MeasurementMemoryTest, IsWholeWhileManyWriteAtOnce) {
  memory().remember("all", 1);
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) memory().remember("all", 1);
    });
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(memory().recall("all"), 1);
}

}  // namespace
}  // namespace llama
