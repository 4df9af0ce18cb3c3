#include "llama-base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  fs::path folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  fs::path file_ = folder_ / "name";

  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  [[nodiscard]] std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator(folder_), {}); }
};

TEST_F(AtomicFileTest, HasItsNameOnlyWhenItIsComplete) {
  auto file = AtomicFile::create(file_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write("new"));
  EXPECT_FALSE(fs::exists(file_));
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(read_small_file(file_, 100), "new");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, LeavesTheOldOneAndNothingElseWithoutCommit) {
  ASSERT_TRUE(replace_file(file_, "old"));
  {
    auto file = AtomicFile::create(file_);
    ASSERT_TRUE(file);
    AtomicFile moved = std::move(*file);
    ASSERT_TRUE(moved.write("half"));
    EXPECT_EQ(entries(), 2);
  }
  EXPECT_EQ(read_small_file(file_, 100), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, RefusesANameThatWasTakenMeanwhile) {
  auto file = AtomicFile::create(file_, {.replace = false});
  ASSERT_TRUE(file);
  ASSERT_TRUE(replace_file(file_, "another's"));
  const auto committed = file->commit();
  ASSERT_FALSE(committed);
  EXPECT_NE(committed.error().message.find("exists"), std::string::npos) << committed.error().message;
  EXPECT_EQ(read_small_file(file_, 100), "another's");
}

TEST_F(AtomicFileTest, IsForItsOwnerAloneWhereThatIsAsked) {
  ASSERT_TRUE(replace_file(file_, "secret", {.mode = 0600}));
  struct stat facts{};
  ASSERT_EQ(::stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(AtomicFileTest, TakesAnyNumberOfWritersOfOneName) {
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, text = std::string(100'000, static_cast<char>('a' + i))] {
        for (int round = 0; round < 5; ++round) EXPECT_TRUE(replace_file(file_, text, {.is_durable = false}));
      });
    }
  }
  const std::string text = read_small_file(file_, 200'000);
  EXPECT_EQ(text, std::string(100'000, text.at(0)));
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, ASmallFileIsReadWholeOrNotAtAll) {
  for (const std::size_t size : {0UZ, 1UZ, 16'383UZ, 16'384UZ, 16'385UZ, 100'000UZ}) {
    const std::string text(size, 'x');
    ASSERT_TRUE(replace_file(file_, text, {.is_durable = false}));
    EXPECT_EQ(read_small_file(file_, size), text);
    EXPECT_EQ(read_small_file(file_, 200'000), text);
    EXPECT_EQ(read_small_file(file_, size == 0 ? 0 : size - 1), "") << size;
  }
  EXPECT_EQ(read_small_file(folder_ / "missing", 100), "");
}

TEST_F(AtomicFileTest, NamesTheFileThatCannotBeWritten) {
  const auto written = replace_file(folder_ / "missing" / "name", "text");
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("missing/name"), std::string::npos) << written.error().message;
}

}  // namespace
}  // namespace llama::internal
