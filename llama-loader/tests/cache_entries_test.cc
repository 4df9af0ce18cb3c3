// What the cache says of its entries where they share files, and where something is wrong with one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "cache/cache_room.h"
#include "llama-loader/cache.h"

namespace llama {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CacheEntries : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  CachedModel put(const std::string& key, std::size_t size) const {
    std::ofstream(folder_ / "m.gguf", std::ios::binary) << std::string(size, key[0]);
    auto put = cache_.cache_model(folder_ / "m.gguf", key);
    fs::remove(folder_ / "m.gguf");
    return put.value();
  }
  // Another entry of the same file, as the commits of a data set have them.
  void share(const CachedModel& with, const std::string& key) const {
    const auto folder = internal::CacheFolder::open(cache_.folder()).value();
    internal::Manifest manifest;
    manifest.files.push_back({.path = "1.csv",
                              .size_bytes = with.files[0].size_bytes,
                              .digest = {internal::DigestKind::Sha256, with.files[0].sha256},
                              .fingerprint = {}});
    const internal::StagedFile file{.source = with.paths().front(), .how = internal::StagedFile::How::Copy};
    ASSERT_TRUE(folder.publish(key, manifest, {file}, {}));
  }
  void used(const std::string& key, int hours_ago) const {
    fs::last_write_time(cache_.folder() / key / ".last_used",
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  [[nodiscard]] std::uint64_t freed(const std::string& key) const {
    for (const CachedModel& model : cache_.list().value())
      if (model.key == key) return model.freed_bytes.value();
    return 12345;
  }
  fs::path folder_ = fs::temp_directory_path() / ("cache-entries-test-" + std::to_string(::getpid()));
  CacheManager cache_{folder_ / "cache"};
};

TEST_F(CacheEntries, OfOneFileCountItOnce) {
  const CachedModel first = put("first", 1000);
  share(first, "second");
  put("third", 500);
  EXPECT_EQ(cache_.size_bytes().value(), 1500u);
  EXPECT_EQ(freed("first"), 0u);
  EXPECT_EQ(freed("second"), 0u);
  EXPECT_EQ(freed("third"), 500u);
  EXPECT_EQ(cache_.remove("first").value(), 0u);
  EXPECT_EQ(freed("second"), 1000u);
  EXPECT_EQ(cache_.remove("second").value(), 1000u);
  EXPECT_EQ(cache_.size_bytes().value(), 500u);
}

TEST_F(CacheEntries, DoNotGoWhereThatFreesNothing) {
  const CachedModel first = put("a-shared", 1000);
  share(first, "d-shared");
  put("b", 1000);
  put("c", 1000);
  for (const auto& [key, hours] : {std::pair("a-shared", 9), {"b", 5}, {"c", 3}, {"d-shared", 1}}) used(key, hours);
  cache_.with_max_size_bytes(2000);
  const auto cleaned = cache_.cleanup_old_models();
  ASSERT_TRUE(cleaned) << cleaned.error().message;
  ASSERT_THAT(cleaned->removed, SizeIs(1)) << "the oldest one's file is needed by the newest";
  EXPECT_EQ(cleaned->removed[0].key, "b");
  EXPECT_EQ(cleaned->removed[0].freed_bytes, 1000u);
  EXPECT_EQ(cleaned->size_bytes, 2000u);
  // Both go where both have to.
  const auto all = cache_.with_max_size_bytes(500).cleanup_old_models();
  ASSERT_TRUE(all);
  EXPECT_THAT(all->removed, SizeIs(3));
  EXPECT_EQ(all->size_bytes, 0u);
  EXPECT_EQ(cache_.size_bytes().value(), 0u);
}

// Older versions cut keys after 135 bytes.
TEST_F(CacheEntries, WithKeysThatAreNoUtf8AreThere) {
  put("good", 10);
  put("b", 1000);
  const std::string cut = "o%2Fm_" + std::string(128, 'x') + "\xc3_0123";
  const std::string long_one = "o%2Fm_" + std::string(249, 'x');
  put("l", 1000);
  fs::rename(cache_.folder() / "b", cache_.folder() / cut);
  fs::rename(cache_.folder() / "l", cache_.folder() / long_one);
  ASSERT_THAT(cache_.list().value(), SizeIs(3));
  for (const std::string& key : {cut, long_one}) {
    EXPECT_TRUE(cache_.get_cached_model(key).value()) << key;
    EXPECT_EQ(cache_.remove(key).value(), 1000u) << key;
    EXPECT_EQ(cache_.remove(key).error().code, ErrorCode::NotFound) << key;
  }
  ASSERT_THAT(cache_.list().value(), SizeIs(1));
  // They go when room is made, too.
  put("l", 1000);
  fs::rename(cache_.folder() / "l", cache_.folder() / long_one);
  used(long_one, 5);
  EXPECT_THAT(cache_.with_max_size_bytes(100).cleanup_old_models()->removed, SizeIs(1));
}

TEST_F(CacheEntries, WhoseManifestsCannotBeReadAreNamed) {
  put("good", 10);
  put("bad", 1000);
  EXPECT_THAT(cache_.unreadable().value(), IsEmpty());
  std::ofstream(cache_.folder() / "bad" / "manifest.json") << "{";
  fs::create_directories(cache_.folder() / "somebody's");
  ASSERT_THAT(cache_.list().value(), SizeIs(1));
  ASSERT_THAT(cache_.unreadable().value(), SizeIs(1));
  EXPECT_EQ(cache_.unreadable().value()[0].key, "bad");
  ASSERT_THAT(cache_.verify().value(), SizeIs(1));
  EXPECT_THAT(cache_.verify().value()[0].what, HasSubstr("manifest.json"));
  EXPECT_EQ(cache_.remove("bad").value(), 0u);
  EXPECT_FALSE(fs::exists(cache_.folder() / "bad"));
  EXPECT_EQ(cache_.remove("somebody's").error().code, ErrorCode::NotFound);
  EXPECT_TRUE(fs::exists(cache_.folder() / "somebody's"));
}

}  // namespace
}  // namespace llama
