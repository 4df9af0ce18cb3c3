#include "cache/cache_room.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class CacheRoomTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  CachedModel put(const std::string& key, std::size_t size) const {
    std::ofstream(folder_ / (key + ".gguf"), std::ios::binary) << std::string(size, key[0]);
    return CacheManager(folder_ / "cache").cache_model(folder_ / (key + ".gguf"), key).value();
  }
  [[nodiscard]] CacheFolder cache() const { return CacheFolder::open(folder_ / "cache").value(); }
  fs::path folder_ = fs::temp_directory_path() / ("cache-room-test-" + std::to_string(::getpid()));
};

// The commits of a data set share most files.
TEST_F(CacheRoomTest, AFileOfTwoEntriesTakesItsSpaceOnce) {
  const CachedModel first = put("first", 1000);
  const CacheFolder folder = cache();
  Manifest manifest;
  for (const char* name : {"1.csv", "2.csv"}) {
    manifest.files.push_back(
        {.path = name, .size_bytes = 1000, .digest = {DigestKind::Sha256, first.files[0].sha256}, .fingerprint = {}});
  }
  const StagedFile shared{.source = first.paths().front(), .how = StagedFile::How::Copy};
  ASSERT_TRUE(folder.publish("second", manifest, {shared, shared}, {}));
  const auto room = make_room(folder, {.limit = 1500, .needed = 400, .kept = {}});
  ASSERT_TRUE(room) << room.error().message;
  EXPECT_TRUE(room->removed.empty());
  EXPECT_EQ(room->size_bytes, 1000u);
  const auto emptied = make_room(folder, {.limit = 1500, .needed = 1500, .kept = {}});
  ASSERT_TRUE(emptied) << emptied.error().message;
  EXPECT_EQ(emptied->removed.size(), 2u);
  EXPECT_EQ(emptied->size_bytes, 0u);
}

TEST_F(CacheRoomTest, NothingGoesWhereThatWouldNotBeEnough) {
  put("old", 1000);
  put("used", 1000);
  const CacheFolder folder = cache();
  const auto used = folder.lock("used", FileLock::Kind::Shared, {}, {});
  ASSERT_TRUE(used);
  const auto room = make_room(folder, {.limit = 2500, .needed = 1600, .kept = {}});
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error().code, ErrorCode::NoSpace);
  EXPECT_TRUE(folder.entry("old"));
  EXPECT_EQ(make_room(folder, {.limit = 2500, .needed = 1500, .kept = {}})->removed.size(), 1u);
}

}  // namespace
}  // namespace llama::internal
