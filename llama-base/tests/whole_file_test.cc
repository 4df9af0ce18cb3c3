#include "llama-base/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class WholeFileTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A test's own: others of them run beside it.
  fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(WholeFileTest, IsReadToItsEndOrToItsLimit) {
  const std::string text(200'000, 'x');
  std::ofstream(folder_ / "file", std::ios::binary) << text;
  EXPECT_EQ(read_whole_file(folder_ / "file", text.size(), {}), text);
  EXPECT_EQ(read_whole_file(folder_ / "file", text.size() - 1, {}).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(read_whole_file(folder_ / "none", 10, {}).error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_whole_file(folder_, 10, {}).error().message, "is a folder");
}

TEST_F(WholeFileTest, MayBeAPipeThatIsWrittenLate) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::jthread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    std::ofstream(pipe, std::ios::binary) << "late";
  });
  EXPECT_EQ(read_whole_file(pipe, 10, {}), "late");
}

TEST_F(WholeFileTest, ThatNobodyWritesEndsWithAStop) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(read_whole_file(pipe, 10, stop.get_token()).error().code, ErrorCode::Cancelled);
}

TEST_F(WholeFileTest, IsAlsoTheRestOfWhatIsOpen) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "some", 4), 4);
  std::stop_source stop;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(read_to_end(ends[0], 10, stop.get_token()).error().code, ErrorCode::Cancelled);
  ASSERT_EQ(::write(ends[1], "more", 4), 4);
  ::close(ends[1]);
  EXPECT_EQ(read_to_end(ends[0], 10, {}), "more");
  ::close(ends[0]);
}

}  // namespace
}  // namespace llama::internal
