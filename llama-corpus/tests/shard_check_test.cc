#include "llama-corpus/shard_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "shard_folder.h"

namespace llama {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What a part's own file would say: here ten bytes are a row.
Result<std::uint64_t> rows_of(const std::filesystem::path& part) { return std::filesystem::file_size(part) / 10; }

class ShardCheck : public testing::Test {
 protected:
  void SetUp() override {
    for (std::uint32_t index = 0; index < 4; ++index) folder_.add(manifest_of({index, 4}, 10));
  }
  void expect(ShardState state, const char* reason, std::uint32_t index = 2) const {
    const auto report = check_shards(folder_.path(), rows_of);
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_THAT(report->shards, SizeIs(4));
    for (const auto& shard : report->shards) {
      EXPECT_EQ(shard.state, shard.shard.index == index ? state : ShardState::Whole) << shard.shard.index;
      EXPECT_EQ(shard.manifest.has_value(), shard.state == ShardState::Whole);
    }
    EXPECT_THAT(report->shards[index].reason, HasSubstr(reason));
    EXPECT_FALSE(report->is_whole());
    EXPECT_THAT(report->strays, IsEmpty());
  }
  std::string part_ = "part-00002-of-00004-00000.parquet";
  ShardFolder folder_;
};

TEST_F(ShardCheck, FindsAWholeRunWhole) {
  folder_.write("README.md", "not ours");
  folder_.write(".part-00001-of-00004.journal", "not ours to judge");
  folder_.write(".part-00001-of-00004-00001.parquet.77-0.partial", "half");
  const auto report = check_shards(folder_.path(), rows_of);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->is_whole());
  EXPECT_EQ(report->counts, (ShardCounts{.rows_in = 10, .embedded = 10, .rows_out = 10}));
  for (std::uint32_t index = 0; index < 4; ++index) {
    EXPECT_EQ(report->shards[index].shard, (Shard{index, 4}));
    EXPECT_EQ(report->shards[index].manifest, manifest_of({index, 4}, 10));
    EXPECT_EQ(report->shards[index].reason, "");
  }
}

TEST_F(ShardCheck, FindsWhichIsMissing) {
  std::filesystem::remove(manifest_path(folder_.path(), {2, 4}));
  expect(ShardState::Missing, "it was not finished");
  std::filesystem::remove(folder_.path() / part_);
  expect(ShardState::Missing, "it has not been run here");
}

TEST_F(ShardCheck, FindsWhichIsCutShort) {
  folder_.write(part_, "");
  expect(ShardState::CutShort, "its part 'part-00002-of-00004-00000.parquet' has 0 bytes of 20");
  std::filesystem::remove(folder_.path() / part_);
  expect(ShardState::CutShort, "its part 'part-00002-of-00004-00000.parquet' is missing");
  folder_.add(manifest_of({2, 4}, 10));
  folder_.write(manifest_path("", {2, 4}), "{");
  expect(ShardState::CutShort, "is no shard's manifest");
  auto manifest = manifest_of({2, 4}, 10);
  manifest.parts[0].rows = 3;
  folder_.add(manifest);
  expect(ShardState::CutShort, "has 2 rows, its manifest says 3");
  manifest = manifest_of({2, 4}, 10);
  manifest.counts.rows_out = 5;
  folder_.add(manifest);
  expect(ShardState::CutShort, "its parts have 2 rows, its manifest says 5");
}

TEST_F(ShardCheck, FindsWhichPartCannotBeRead) {
  const auto report = check_shards(folder_.path(), [&](const auto& part) -> Result<std::uint64_t> {
    if (part.filename() == part_) return fail(ErrorCode::Corrupt, "no Parquet file");
    return rows_of(part);
  });
  EXPECT_EQ(report->shards[2].state, ShardState::CutShort);
  EXPECT_THAT(report->shards[2].reason, HasSubstr("cannot be read: no Parquet file"));
}

TEST_F(ShardCheck, FindsWhichIsForeign) {
  auto manifest = manifest_of({2, 4}, 10);
  manifest.settings[0].second = "float16";
  folder_.add(manifest);
  expect(ShardState::Foreign, "it has --dtype float16, the others --dtype float32");
  manifest = manifest_of({2, 4}, 10);
  manifest.settings.emplace_back("--where", "a > 3");
  folder_.add(manifest);
  expect(ShardState::Foreign, "it has --where a > 3, the others no --where");
  manifest = manifest_of({2, 4}, 10);
  manifest.input_fingerprint = "a.csv 1001";
  folder_.add(manifest);
  expect(ShardState::Foreign, "it has another input than the others (file 'a.csv')");
  manifest = manifest_of({2, 4}, 10);
  manifest.model = "ffff";
  folder_.add(manifest);
  expect(ShardState::Foreign, "it has another model than the others");
}

TEST_F(ShardCheck, SaysWhatElseAReaderOfTheFolderWouldRead) {
  folder_.write("part-00002-of-00004-00001.parquet", "of a run with smaller parts");
  folder_.add(manifest_of({1, 3}, 10));
  const auto report = check_shards(folder_.path(), rows_of);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->is_whole());
  ASSERT_THAT(report->strays, SizeIs(3));
  EXPECT_EQ(report->strays[0].path, manifest_path(folder_.path(), {1, 3}));
  EXPECT_EQ(report->strays[0].reason, "it is of a run of 3 shards, not 4");
  EXPECT_EQ(report->strays[1].path, folder_.path() / "part-00001-of-00003-00000.parquet");
  EXPECT_EQ(report->strays[2].reason, "an earlier run of its shard has left it");
  for (const auto& shard : report->shards) EXPECT_EQ(shard.state, ShardState::Whole);
}

TEST_F(ShardCheck, SaysWhichTablesAreNoPartOfTheRun) {
  for (const char* name : {"merged.parquet", "old.csv.gz", "README.md", "run.log", "_SUCCESS", ".x.parquet"})
    folder_.write(name, "not ours");
  const auto report = check_shards(folder_.path(), rows_of);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->has_all_shards());
  EXPECT_FALSE(report->is_whole());
  ASSERT_THAT(report->strays, SizeIs(2));
  EXPECT_EQ(report->strays[0].path, folder_.path() / "merged.parquet");
  EXPECT_EQ(report->strays[1].path, folder_.path() / "old.csv.gz");
  EXPECT_THAT(report->strays[0].reason, HasSubstr("no part of the run"));
}

TEST_F(ShardCheck, ComparesOneShardWithWhatARunWouldWrite) {
  const auto state = [&](const ShardManifest& planned) {
    return check_shard(folder_.path(), planned, {}).value().state;
  };
  ShardManifest planned = manifest_of({2, 4}, 10);
  planned.parts.clear();
  planned.counts = {};
  EXPECT_EQ(state(planned), ShardState::Whole);
  EXPECT_EQ(check_shard(folder_.path(), planned, {})->manifest, manifest_of({2, 4}, 10));
  planned.model = "ffff";
  EXPECT_EQ(state(planned), ShardState::Foreign);
  EXPECT_EQ(check_shard(folder_.path(), planned, {})->reason, "it has another model than this one");
  planned = manifest_of({2, 4}, 10);
  folder_.write(part_, "x");
  EXPECT_EQ(state(planned), ShardState::CutShort);
  EXPECT_EQ(state(manifest_of({1, 5}, 10)), ShardState::Missing);
  EXPECT_EQ(check_shard(folder_.path() / "none", planned, {})->state, ShardState::Missing);
}

TEST_F(ShardCheck, TakesTheNewestOfTwoRunsThatAreAlikeInNumber) {
  for (std::uint32_t index = 0; index < 2; ++index) {
    auto manifest = manifest_of({index, 4}, 10);
    manifest.model = "new";
    folder_.add(manifest);
    const auto path = manifest_path(folder_.path(), {index, 4});
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::hours(1));
  }
  const auto report = check_shards(folder_.path(), rows_of);
  ASSERT_TRUE(report);
  for (std::uint32_t index = 0; index < 4; ++index)
    EXPECT_EQ(report->shards[index].state, index < 2 ? ShardState::Whole : ShardState::Foreign);
}

TEST_F(ShardCheck, RefusesAShardThatCouldNotBeMerged) {
  const auto says = [&](const ShardManifest& planned) {
    const auto checked = check_same_run(folder_.path(), planned);
    return checked ? "" : checked.error().message;
  };
  auto planned = manifest_of({2, 4}, 0);
  EXPECT_EQ(says(planned), "");
  EXPECT_THAT(says(manifest_of({2, 5}, 0)), HasSubstr("of another run: this is one of 5; name another folder"));
  planned.settings[1].second = "none";
  EXPECT_THAT(says(planned), HasSubstr("of another run: it has --keep all, this one --keep none; name another folder"));
  for (const std::uint32_t index : {0U, 1U, 3U}) std::filesystem::remove(manifest_path(folder_.path(), {index, 4}));
  EXPECT_EQ(says(planned), "");  // it takes its own place
  EXPECT_TRUE(check_same_run(folder_.path() / "nowhere", planned));
}

TEST_F(ShardCheck, FindsAnInputThatWasWrittenAtAnotherTime) {
  auto planned = manifest_of({2, 4}, 10);
  planned.input_times = "monday";
  EXPECT_EQ(check_shard(folder_.path(), planned, {})->state, ShardState::Whole) << "the older version did not say";
  folder_.add(planned);
  EXPECT_EQ(check_shard(folder_.path(), planned, {})->state, ShardState::Whole);
  planned.input_times = "tuesday";
  const auto found = check_shard(folder_.path(), planned, {});
  EXPECT_EQ(found->state, ShardState::Foreign);
  EXPECT_THAT(found->reason, HasSubstr("(file 'a.csv') as it was written at another time"));
  EXPECT_FALSE(found->manifest);
}

// Each machine may have a copy of its own.
TEST_F(ShardCheck, TellsOfShardsFromInputsOfDifferentTimes) {
  auto planned = manifest_of({2, 4}, 0);
  planned.input_times = "monday";
  EXPECT_THAT(check_same_run(folder_.path(), planned).value(), IsEmpty());
  EXPECT_THAT(check_shards(folder_.path(), rows_of)->notes, IsEmpty());
  auto other = manifest_of({1, 4}, 10);
  other.input_times = "tuesday";
  folder_.add(other);
  const auto odd = check_same_run(folder_.path(), planned).value();
  ASSERT_THAT(odd, SizeIs(1));
  EXPECT_THAT(odd[0], HasSubstr("shard 1/4 is from the input (file 'a.csv') as it was written at another time"));
  other = manifest_of({3, 4}, 10);
  other.input_times = "monday";
  folder_.add(other);
  const auto report = check_shards(folder_.path(), rows_of);
  EXPECT_TRUE(report->is_whole());
  ASSERT_THAT(report->notes, SizeIs(1));
  EXPECT_THAT(report->notes[0], HasSubstr("shard 3/4 is, other than shard 1/4, from the input (file 'a.csv')"));
}

TEST_F(ShardCheck, FindsScalesOfOtherTexts) {
  auto planned = manifest_of({2, 4}, 0);
  planned.calibration = "0f";
  EXPECT_TRUE(check_same_run(folder_.path(), planned)) << "older versions did not say";
  auto done = manifest_of({1, 4}, 10);
  done.calibration = "0f";
  folder_.add(done);
  EXPECT_TRUE(check_same_run(folder_.path(), planned));
  planned.calibration = "1e";
  const auto other = check_same_run(folder_.path(), planned);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("1/4 of another run: its int8 scales are from other texts than those"));
  for (const std::uint32_t index : {0U, 2U, 3U}) {
    auto changed = manifest_of({index, 4}, 10);
    changed.calibration = "1e";
    folder_.add(changed);
  }
  expect(ShardState::Foreign, "its int8 scales are from other texts than those of the others", 1);
}

// A path need not be UTF-8, and what is written of it is.
TEST(ShardCheckOfAFolder, KnowsAnInputWhoseNameIsNotUtf8) {
  const ShardFolder folder;
  auto planned = manifest_of({1, 2}, 10);
  planned.input_fingerprint = "caf\xe9.txt 1000 bytes";
  planned.settings[0].second = "\xe2\x82 cut short";
  folder.add(planned);
  EXPECT_EQ(check_shard(folder.path(), planned, rows_of)->state, ShardState::Whole);
  auto other = manifest_of({0, 2}, 10);
  other.input_fingerprint = planned.input_fingerprint;
  other.settings = planned.settings;
  EXPECT_TRUE(check_same_run(folder.path(), other));
  other.input_fingerprint = "caf\xe9.txt 1001 bytes";
  EXPECT_FALSE(check_same_run(folder.path(), other));
}

TEST(ShardCheckOfAFolder, WithoutShardsIsRefused) {
  const ShardFolder folder;
  EXPECT_EQ(check_shards(folder.path() / "nowhere", rows_of).error().code, ErrorCode::NotFound);
  folder.write("part-00000-of-00002-00000.parquet", "half");
  const auto report = check_shards(folder.path(), rows_of);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(report.error().message, HasSubstr("has no finished shard"));
}

}  // namespace
}  // namespace llama
