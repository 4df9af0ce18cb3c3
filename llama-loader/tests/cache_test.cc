#include "llama-loader/cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <initializer_list>
#include <random>
#include <set>

#include "cache/cache_folder.h"
#include "cache/eviction.h"
#include "cache/manifest.h"
#include "hub/repo_path.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

class CacheTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  fs::path folder_ = fs::temp_directory_path() / ("cache-test-" + std::to_string(::getpid()));
  CacheManager cache_{folder_ / "cache"};
};

TEST(CacheKey, HasTheFormatOfTheSpecification) {
  EXPECT_EQ(CacheManager::generate_cache_key("org/model", "m-Q8.gguf", 42, 7), "org%2Fmodel_m-Q8.gguf_42_7");
}

TEST(CacheKey, DiffersForDifferentModels) {
  std::set<std::string> keys;
  const std::vector<std::string> names{"a", "a_b", "a%5Fb", "b_c", "c", "a%2Fb", "_", "__", "%5F", "a_1_2"};
  std::size_t count = 0;
  for (const auto& repo : names) {
    for (const auto& name : names) {
      for (const auto& [size, time] : {std::pair(1, 2), {12, 2}, {1, 22}}) {
        keys.insert(CacheManager::generate_cache_key("o/" + repo, name, static_cast<std::uint64_t>(size), time));
        ++count;
      }
    }
  }
  EXPECT_EQ(keys.size(), count);
}

TEST(CacheKey, FitsAFileName) {
  const std::string x(300, 'x');
  EXPECT_LE(CacheManager::generate_cache_key("o/m", x + "a", 1, 1).size(), 200u);
  EXPECT_NE(CacheManager::generate_cache_key("o/m", x + "a", 1, 1),
            CacheManager::generate_cache_key("o/m", x + "b", 1, 1));
  for (const char* letter : {"ü", "日", "🙂"}) {
    for (std::string name = "."; name.size() < 6; name += "x") {
      std::string path = name;
      while (path.size() < 250) path += letter;
      const std::string key = CacheManager::generate_cache_key("o/m", path, 1, 1);
      EXPECT_LE(key.size(), 200u);
      EXPECT_TRUE(internal::is_safe_path(key)) << key << ": is no UTF-8";
    }
  }
}

TEST_F(CacheTest, KeepsAModelThatIsPutIn) {
  const auto put = cache_.cache_model(file("m.gguf", "content"), "key_1");
  ASSERT_TRUE(put) << put.error().message;
  const auto found = cache_.get_cached_model("key_1");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->paths(), std::vector{folder_ / "cache/key_1/m.gguf"});
  EXPECT_EQ((*found)->size_bytes, 7u);
  EXPECT_EQ(cache_.get_cached_model("key_2").value(), std::nullopt);
  EXPECT_TRUE(cache_.verify().value().empty());
  EXPECT_TRUE(cache_.remove("key_1"));
  EXPECT_EQ(cache_.remove("key_1").error().code, ErrorCode::NotFound);
}

TEST_F(CacheTest, TakesWhatASymbolicLinkLeadsTo) {
  file("real.gguf", "content");
  fs::create_symlink("real.gguf", folder_ / "link.gguf");
  const auto put = cache_.cache_model(folder_ / "link.gguf", "k");
  ASSERT_TRUE(put) << put.error().message;
  EXPECT_FALSE(fs::is_symlink(put->paths().front()));
  fs::remove(folder_ / "real.gguf");
  EXPECT_TRUE(cache_.get_cached_model("k").value()) << "it stays when the first name goes";
  EXPECT_TRUE(cache_.verify().value().empty());
}

TEST_F(CacheTest, RefusesFilesThatItWouldNotFindAgain) {
  for (const char* name : {"a\\b.gguf", "v:2.gguf", "\xff.gguf", "a\nb.gguf"}) {
    const auto put = cache_.cache_model(file(name, "x"), "k");
    ASSERT_FALSE(put) << name;
    EXPECT_EQ(put.error().code, ErrorCode::InvalidArgument) << name;
  }
  EXPECT_TRUE(cache_.list().value().empty());
}

TEST_F(CacheTest, LeavesContentAloneThatIsOnItsWay) {
  const auto model = file("m.gguf", "content");
  const auto digest = internal::digest_of("content", internal::DigestKind::Sha256);
  const auto folder = internal::CacheFolder::open(cache_.folder());
  ASSERT_TRUE(folder);
  auto fetching = folder->lock(digest.hex, internal::FileLock::Kind::Exclusive, {}, {});
  ASSERT_TRUE(fetching);
  const fs::path partial = folder->incoming(digest) / "data";
  fs::create_directories(partial.parent_path());
  std::ofstream(partial) << "con";
  auto put = std::async(std::launch::async, [&] { return cache_.cache_model(model, "k"); });
  EXPECT_EQ(put.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  EXPECT_EQ(fs::file_size(partial), 3u);
  {
    const auto fetched = std::move(*fetching);
  }
  EXPECT_TRUE(put.get());
}

TEST_F(CacheTest, RefusesKeysThatAreNoNames) {
  for (const char* key : {"", "../x", "a/b", ".incoming", "/etc"}) {
    EXPECT_EQ(cache_.get_cached_model(key).error().code, ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(cache_.remove(key).error().code, ErrorCode::InvalidArgument) << key;
    EXPECT_EQ(cache_.cache_model(file("m.gguf", "x"), key).error().code, ErrorCode::InvalidArgument) << key;
  }
}

TEST_F(CacheTest, RemovesTheModelsNotUsedForLongest) {
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(cache_.cache_model(file(std::string(key) + ".gguf", std::string(1000, key[0])), key));
    fs::last_write_time(folder_ / "cache" / key / ".last_used",
                        fs::file_time_type::clock::now() - std::chrono::hours(key[0] == 'b' ? 5 : 1));
  }
  const auto cleaned = cache_.with_max_size_bytes(2500).cleanup_old_models();
  ASSERT_TRUE(cleaned) << cleaned.error().message;
  ASSERT_EQ(cleaned->removed.size(), 1u);
  EXPECT_EQ(cleaned->removed[0].key, "b");
  EXPECT_EQ(cleaned->size_bytes, 2000u);
  EXPECT_EQ(cache_.with_max_size_bytes(500).cache_model(file("d.gguf", std::string(501, 'd')), "d").error().code,
            ErrorCode::NoSpace);
  EXPECT_EQ(cache_.with_max_size_gb(std::nullopt).cleanup_old_models()->removed.size(), 0u);
}

TEST_F(CacheTest, FindsWhatWasDamaged) {
  ASSERT_TRUE(cache_.cache_model(file("m.gguf", "content"), "k"));
  std::ofstream(folder_ / "cache/k/m.gguf", std::ios::binary) << "CONTENT";
  const auto faults = cache_.verify();
  ASSERT_EQ(faults->size(), 1u);
  EXPECT_EQ((*faults)[0].key, "k");
}

TEST(Eviction, TriesTheLongestUnusedFirst) {
  using internal::eviction_order;
  const std::vector<internal::EvictionCandidate> models{
      {"new", 10, 300}, {"old", 10, 100}, {"old-large", 50, 100}, {"link", 0, 1}, {"mid", 10, 200}};
  EXPECT_TRUE(eviction_order(models, 100, 20, "").empty()) << "all fits";
  std::string order;
  for (const auto& model : eviction_order(models, 100, 21, "mid")) order += model.key + " ";
  EXPECT_EQ(order, "old-large old new ");
}

TEST(Manifest, SurvivesTheDisk) {
  internal::Manifest manifest{.repo = "o/m",
                              .endpoint = "https://hub",
                              .commit = std::string(40, 'a'),
                              .revisions = {{"main", 5}},
                              .automatic = true,
                              .created = 9,
                              .files = {}};
  manifest.files.push_back({.path = "BF16/ä.gguf",
                            .size_bytes = 1ULL << 60,
                            .digest = {internal::DigestKind::GitBlob, std::string(40, 'b')},
                            .linked = true,
                            .fingerprint = {.size_bytes = 3, .modified_ns = -4, .inode = ~0ULL}});
  const auto read = internal::parse_manifest(internal::to_json(manifest));
  ASSERT_TRUE(read);
  EXPECT_EQ(internal::to_json(*read), internal::to_json(manifest));
  EXPECT_EQ(read->owned_bytes(), 0u);
}

TEST_F(CacheTest, ReadsAManifestOfAsManyFilesAsItWrites) {
  const auto folder = internal::CacheFolder::open(cache_.folder());
  ASSERT_TRUE(folder);
  internal::CacheEntry entry{.key = "k", .folder = cache_.folder() / "k", .manifest = {}};
  for (int i = 0; i < 100'000; ++i) {
    entry.manifest.files.push_back({.path = "data/a-folder-of-a-data-set/" + std::to_string(i) + ".json",
                                    .size_bytes = 1'000'000,
                                    .digest = {internal::DigestKind::Sha256, std::string(64, 'b')},
                                    .fingerprint = {1'000'000, 1'795'564'800'123'456'789, 123'456'789}});
  }
  fs::create_directories(entry.folder);
  ASSERT_TRUE(folder->write_manifest(entry));
  const auto read = folder->entry("k");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->manifest.files.size(), 100'000u);
}

TEST(Manifest, KnowsItsContentByAllOfItsFiles) {
  const auto content = [](std::initializer_list<char> digests, internal::DigestKind kind) {
    internal::Manifest manifest;
    for (const char digit : digests)
      manifest.files.push_back(
          {.path = "m.gguf", .size_bytes = 1, .digest = {kind, std::string(64, digit)}, .fingerprint = {}});
    return content_of(manifest);
  };
  using enum internal::DigestKind;
  EXPECT_EQ(content({'a'}, Sha256), "sha256 " + std::string(64, 'a'));
  EXPECT_EQ(content({'a'}, GitBlob), "");
  // A split model whose first part has no weights.
  EXPECT_NE(content({'a', 'b', 'c'}, Sha256), content({'a', 'b', 'd'}, Sha256));
  EXPECT_NE(content({'a', 'b', 'c'}, Sha256), content({'a', 'c', 'b'}, Sha256));
  EXPECT_EQ(content({'a', 'b'}, GitBlob), content({'a', 'b'}, GitBlob));
  EXPECT_NE(content({'a', 'b'}, GitBlob), content({'a', 'c'}, GitBlob));
}

TEST(Manifest, HasTheDigestOfAllItsFiles) {
  internal::Manifest manifest;
  const auto add = [&](char digit, internal::DigestKind kind) {
    manifest.files.push_back(
        {.path = "m.gguf", .size_bytes = 1, .digest = {kind, std::string(64, digit)}, .fingerprint = {}});
    return sha256_of(manifest);
  };
  EXPECT_EQ(add('a', internal::DigestKind::Sha256), std::string(64, 'a')) << "a single file's own";
  const std::string two = add('b', internal::DigestKind::Sha256);
  EXPECT_EQ(content_of(manifest), "sha256 of parts " + two);
  manifest.files.pop_back();
  EXPECT_NE(add('c', internal::DigestKind::Sha256), two) << "with the same first part";
  EXPECT_EQ(add('d', internal::DigestKind::GitBlob), "");
}

TEST(Manifest, IsRefusedWhereAnythingIsOdd) {
  internal::Manifest manifest{
      .repo = "o/m", .endpoint = "", .commit = "", .revisions = {}, .automatic = true, .created = 9, .files = {}};
  manifest.files.push_back({.path = "m.gguf",
                            .size_bytes = 1,
                            .digest = {internal::DigestKind::Sha256, std::string(64, 'b')},
                            .fingerprint = {}});
  const std::string good = internal::to_json(manifest);
  ASSERT_TRUE(internal::parse_manifest(good));
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return internal::parse_manifest(text).has_value();
  };
  EXPECT_FALSE(with("m.gguf", "../m.gguf"));
  EXPECT_FALSE(with(R"("version":1)", R"("version":2)"));
  EXPECT_FALSE(with("bbb", "BBB"));
  EXPECT_FALSE(with(R"("size":1)", R"("size":-1)"));
  EXPECT_FALSE(with(R"("automatic":true)", R"("automatic":1)"));
  for (std::size_t length = 0; length + 1 < good.size(); length += 3)
    EXPECT_FALSE(internal::parse_manifest(good.substr(0, length))) << length;
}

TEST(Manifest, ServesWhatItWasChosenFor) {
  internal::Manifest manifest{.repo = "o/m",
                              .endpoint = "https://hub",
                              .commit = std::string(40, 'a'),
                              .revisions = {{"main", 5}},
                              .automatic = false,
                              .created = 0,
                              .files = {}};
  manifest.files.push_back({.path = "m-Q8_0.gguf", .size_bytes = 1, .digest = {}, .fingerprint = {}});
  internal::ModelRequest request{
      .repo = "o/m", .endpoint = "https://hub", .revision = "main", .filename = {}, .quant = {}};
  EXPECT_FALSE(serves(manifest, request)) << "nobody said that it is the automatic choice";
  request.quant = "q8_0";
  EXPECT_TRUE(serves(manifest, request));
  request.revision = std::string(40, 'a');
  EXPECT_TRUE(serves(manifest, request));
  request.revision = "v2";
  EXPECT_FALSE(serves(manifest, request));
  request = {.repo = "o/m", .endpoint = "https://mirror", .revision = "main", .filename = "m-Q8_0.gguf", .quant = {}};
  EXPECT_FALSE(serves(manifest, request)) << "another hub";
  request.endpoint = "https://hub";
  EXPECT_TRUE(serves(manifest, request));
}

}  // namespace
}  // namespace llama
