#include "llama-corpus/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace llama {
namespace {

using testing::HasSubstr;

using Environment = std::map<std::string, std::string, std::less<>>;

Result<Shard> shard_in(std::string_view text, const Environment& environment) {
  return parse_shard(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Shard, IsReadFromItsText) {
  EXPECT_EQ(shard_in("0/1", {}), (Shard{0, 1}));
  EXPECT_EQ(shard_in("3/8", {}), (Shard{3, 8}));
  EXPECT_EQ(shard_in("99998/99999", {}), (Shard{99'998, 99'999}));
  EXPECT_EQ(shard_in("3/8", {{"RANK", "nonsense"}}), (Shard{3, 8}));  // the environment is asked for auto alone
}

TEST(Shard, ThatIsNoneSaysWhatIsWanted) {
  struct {
    const char *text, *message;
  } const rows[] = {
      {"3/2", "shard '3/2': shards are counted from 0, so the last of 2 is 1/2"},
      {"2/2", "the last of 2 is 1/2"},
      {"0/0", "there may be 1 to 99999 shards"},
      {"0/100000", "there may be 1 to 99999 shards"},
      {"0/99999999999999999999", "I/N is wanted"},
      {"", "I/N is wanted"},
      {"3", "I/N is wanted, counted from 0 (0/8 to 7/8), or auto"},
      {"/", "I/N is wanted"},
      {"3/", "I/N is wanted"},
      {"/8", "I/N is wanted"},
      {"-1/8", "I/N is wanted"},
      {"+1/8", "I/N is wanted"},
      {" 1/8", "I/N is wanted"},
      {"1/8 ", "I/N is wanted"},
      {"1/8/2", "I/N is wanted"},
      {"1.0/8", "I/N is wanted"},
      {"Auto", "or auto"},
  };
  for (const auto& row : rows) {
    const auto shard = shard_in(row.text, {});
    ASSERT_FALSE(shard) << row.text;
    EXPECT_EQ(shard.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(shard.error().message, HasSubstr(row.message)) << row.text;
  }
}

Environment slurm(const char* id, const char* min, const char* max, const char* count, const char* step) {
  Environment made = {{"SLURM_ARRAY_TASK_ID", id}, {"SLURM_ARRAY_TASK_MIN", min}, {"SLURM_ARRAY_TASK_MAX", max}};
  if (count) made["SLURM_ARRAY_TASK_COUNT"] = count;
  if (step) made["SLURM_ARRAY_TASK_STEP"] = step;
  return made;
}

TEST(Shard, IsWhatTheSchedulerSays) {
  const struct {
    Environment environment;
    Shard shard;
  } rows[] = {
      {slurm("0", "0", "7", "8", "1"), {0, 8}},
      {slurm("7", "0", "7", "8", nullptr), {7, 8}},
      {slurm("7", "0", "7", nullptr, nullptr), {7, 8}},
      {slurm("1", "1", "16", "16", "1"), {0, 16}},  // --array=1-16
      {slurm("16", "1", "16", "16", "1"), {15, 16}},
      {slurm("11", "1", "16", "4", "5"), {2, 4}},  // --array=1-16:5
      {slurm("10", "0", "13", "3", "5"), {2, 3}},  // --array=0-13:5, the last number not reached
      {slurm("5", "5", "5", "1", "1"), {0, 1}},
      {{{"RANK", "3"}, {"WORLD_SIZE", "4"}}, {3, 4}},  // torchrun
      {{{"JOB_COMPLETION_INDEX", "0"}, {"JOB_COMPLETIONS", "5"}}, {0, 5}},
      {{{"AWS_BATCH_JOB_ARRAY_INDEX", "9"}, {"AWS_BATCH_JOB_ARRAY_SIZE", "10"}}, {9, 10}},
      {{{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"JOB_COMPLETION_INDEX", "3"}, {"JOB_COMPLETIONS", "4"}}, {3, 4}},
      {{{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"SLURM_ARRAY_TASK_ID", ""}}, {3, 4}},  // empty is unset
  };
  for (const auto& row : rows) {
    const auto shard = shard_in("auto", row.environment);
    ASSERT_TRUE(shard) << shard.error().message;
    EXPECT_EQ(*shard, row.shard) << row.environment.begin()->first;
  }
}

TEST(Shard, ThatNoSchedulerSaysIsAskedFor) {
  const struct {
    Environment environment;
    const char* message;
  } rows[] = {
      {{}, "no scheduler says which one this is"},
      {{{"WORLD_SIZE", "4"}}, "no scheduler says which one this is"},
      {{{"RANK", "1"}}, "RANK is 1, but WORLD_SIZE is not set"},
      {{{"RANK", "4"}, {"WORLD_SIZE", "4"}}, "RANK=4, WORLD_SIZE=4: shards are counted from 0"},
      {{{"RANK", "one"}, {"WORLD_SIZE", "4"}}, "RANK='one' is not a whole number"},
      {{{"RANK", "1"}, {"WORLD_SIZE", "0"}}, "there may be 1 to 99999 shards"},
      {{{"JOB_COMPLETION_INDEX", "2"}}, "Kubernetes does not set it"},
      {{{"JOB_COMPLETION_INDEX", "2"}}, "or say 2/N"},
      {{{"SLURM_ARRAY_TASK_ID", "2"}}, "SLURM_ARRAY_TASK_MIN and SLURM_ARRAY_TASK_MAX do not say"},
      {slurm("5", "1", "7", "3", "1"),
       "an array from 1 to 7 with gaps; submit it with the indexes 0-2, or say I/N"},  // --array=1,5,7
      {slurm("4", "1", "16", "4", "5"), "with gaps"},
      {slurm("17", "1", "16", "16", "1"), "with gaps"},
      {slurm("0", "1", "16", "16", "1"), "with gaps"},
      {slurm("1", "1", "16", "16", "0"), "do not say of which array"},
      {slurm("1", "16", "1", "16", "1"), "do not say of which array"},
      {{{"RANK", "3"}, {"WORLD_SIZE", "4"}, {"JOB_COMPLETION_INDEX", "0"}, {"JOB_COMPLETIONS", "4"}},
       "RANK says 3/4 and JOB_COMPLETION_INDEX says 0/4; say I/N"},
  };
  for (const auto& row : rows) {
    const auto shard = shard_in("auto", row.environment);
    ASSERT_FALSE(shard) << row.message;
    EXPECT_EQ(shard.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(shard.error().message, HasSubstr(row.message));
  }
}

TEST(Shard, HasEveryRowInExactlyOneOfThem) {
  for (const std::uint32_t count : {1U, 2U, 3U, 7U, 64U})
    for (std::uint64_t row = 0; row < 1000; ++row) {
      int owners = 0;
      for (std::uint32_t index = 0; index < count; ++index) owners += Shard{index, count}.has(row) ? 1 : 0;
      ASSERT_EQ(owners, 1) << row << " of " << count;
    }
}

TEST(Shard, NamesSortInTheOrderOfTheirNumbers) {
  EXPECT_EQ(part_name({3, 8}), "part-00003-of-00008");
  std::set<std::string> names;
  for (std::uint32_t index = 0; index < 12'000; ++index) {
    const auto name = part_name({index, 12'000});
    ASSERT_TRUE(names.empty() || *names.rbegin() < name);
    names.insert(name);
  }
}

}  // namespace
}  // namespace llama
