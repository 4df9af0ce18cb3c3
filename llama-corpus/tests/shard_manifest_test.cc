#include "llama-corpus/shard_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest_text.h"
#include "shard_folder.h"

namespace llama {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

TEST(ShardManifest, ComesBackAsItWasWritten) {
  const ShardFolder folder;
  ShardManifest manifest = manifest_of({3, 8}, 100);
  manifest.settings = {{"--prompt", "\"quoted\"\n{text} ü"}, {"--dtype", "float16"}, {"", ""}};
  manifest.counts = {UINT64_MAX, 2, 3, 4, 5};
  manifest.parts.push_back({"part-00003-of-00008-00001.parquet", 7, UINT64_MAX});
  ASSERT_TRUE(write_manifest(folder.path(), manifest));
  EXPECT_EQ(read_manifest(folder.path(), {3, 8}), manifest);
  EXPECT_EQ(manifest_path(folder.path(), {3, 8}), folder.path() / ".part-00003-of-00008.json");
  manifest.input_times = "0f";
  manifest.calibration = "1e";
  manifest.parts.clear();
  ASSERT_TRUE(write_manifest(folder.path(), manifest));
  EXPECT_EQ(read_manifest(folder.path(), {3, 8}), manifest);
  ASSERT_TRUE(remove_manifest(folder.path(), {3, 8}));
  EXPECT_EQ(read_manifest(folder.path(), {3, 8}).error().code, ErrorCode::NotFound);
  EXPECT_TRUE(remove_manifest(folder.path(), {3, 8}));
}

TEST(ShardManifest, OfAnOlderVersionDoesNotSayWhatThatDidNotKnow) {
  const std::string text = internal::shard_manifest_text(manifest_of({1, 2}, 10));
  EXPECT_THAT(text, Not(AnyOf(HasSubstr("times"), HasSubstr("calibration"))));
  const auto read = internal::parse_shard_manifest(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->input_times + read->calibration, "");
}

TEST(ShardManifest, ThatCannotBeWrittenSaysWhere) {
  const auto written = write_manifest("/nowhere/at/all", manifest_of({0, 1}, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::Io);
  EXPECT_THAT(written.error().message, HasSubstr("/nowhere/at/all"));
}

TEST(ShardManifest, TakesBytesThatAreNotUtf8) {
  const ShardFolder folder;
  ShardManifest manifest = manifest_of({0, 1}, 1);
  manifest.settings = {{"--input", "caf\xe9.csv"}};
  ASSERT_TRUE(write_manifest(folder.path(), manifest));
  EXPECT_EQ(read_manifest(folder.path(), {0, 1})->settings[0].second, "caf\ufffd.csv");
}

TEST(ShardManifest, IsReadFromItsOwnFileAlone) {
  const ShardFolder folder;
  folder.write(manifest_path("", {1, 2}), "{");
  EXPECT_EQ(read_manifest(folder.path(), {1, 2}).error().code, ErrorCode::Corrupt);
  folder.write(manifest_path("", {1, 2}), internal::shard_manifest_text(manifest_of({0, 2}, 10)));
  EXPECT_THAT(read_manifest(folder.path(), {1, 2}).error().message, HasSubstr("is the manifest of shard 0/2"));
}

TEST(ShardManifest, OfOtherContentIsNone) {
  const std::string good = internal::shard_manifest_text(manifest_of({1, 2}, 10));
  EXPECT_EQ(internal::parse_shard_manifest(good), manifest_of({1, 2}, 10));
  for (std::size_t length = 0; length + 2 < good.size(); ++length)  // without the line break it is whole
    EXPECT_FALSE(internal::parse_shard_manifest(good.substr(0, length))) << length;
  const struct {
    const char *from, *to;
  } rows[] = {
      {R"("version": 1)", R"("version": 2)"},
      {R"("version": 1)", R"("version": "1")"},

      {R"("index": 1)", R"("index": 2)"},
      {R"("index": 1)", R"("index": -1)"},
      {R"("index": 1)", R"("index": 1.0)"},
      {R"("count": 2)", R"("count": 4294967298)"},
      {R"("rows_in")", R"("rows")"},
      {R"("embedded": 5)", R"("embedded": null)"},
      {R"("model")", R"("modell")"},
      {R"("fingerprint")", R"("finger")"},
      {"part-00001-of-00002-00000", "../part-00001-of-00002-00000"},
      {"part-00001-of-00002-00000", "part-00001-of-00002-/../x"},
      {"part-00001-of-00002-00000", "part-00000-of-00002-00000"},
      {R"("float32")", "32"},
      {R"("rows": 5)", R"("rows": -5)"},
      {R"("parts": [)", R"("partss": [)"},
      {"{", "["},
  };
  for (const auto& row : rows) {
    std::string text = good;
    const auto at = text.find(row.from);
    ASSERT_NE(at, std::string::npos) << row.from << good;
    text.replace(at, std::string_view(row.from).size(), row.to);
    EXPECT_FALSE(internal::parse_shard_manifest(text)) << row.to;
  }
  for (const char* text : {"", "null", "[]", "{}", "1", R"("x")", "\xff\xfe", R"({"version": 1})"})
    EXPECT_FALSE(internal::parse_shard_manifest(text));
}

}  // namespace
}  // namespace llama
