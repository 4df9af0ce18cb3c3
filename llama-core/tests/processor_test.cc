#include "llama-core/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llama {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Processor, HasAThreadForEachPhysicalCore) {
  struct Row {
    const char* what;
    ProcessorFacts facts;
    int threads;
  };
  const std::vector<Row> rows = {
      {"nothing is known", {}, 1},
      {"one hardware thread a core", {{0, 1, 2}, {{0}, {1}, {2}}, {}}, 3},
      {"two a core", {{0, 1, 2, 3}, {{0, 2}, {1, 3}, {0, 2}, {1, 3}}, {}}, 2},
      {"two a core, half of one allowed", {{0, 1, 3}, {{0, 2}, {1, 3}, {1, 3}}, {}}, 2},
      {"both halves of one core", {{1, 3}, {{1, 3}, {1, 3}}, {}}, 1},
      {"siblings are not told", {{4, 5, 6, 7}, {{}, {}, {}, {}}, {}}, 4},
      {"siblings are told of some", {{0, 1, 2}, {{0, 1}, {0, 1}}, {}}, 2},
      {"a quota of half a processor", {{0, 1}, {{0}, {1}}, 0.5}, 1},
      {"a quota of one and a half", {{0, 1, 2, 3}, {{0}, {1}, {2}, {3}}, 1.5}, 2},
      {"a quota beyond the cores", {{0, 1, 2, 3}, {{0, 2}, {1, 3}, {0, 2}, {1, 3}}, 3.0}, 2},
      {"a quota that makes no sense", {{0, 1}, {{0}, {1}}, -1.0}, 2},
  };
  for (const Row& row : rows) EXPECT_EQ(threads_for(row.facts), row.threads) << row.what;
}

TEST(Processor, ReadsListsOfCpus) {
  EXPECT_THAT(parse_cpu_list("0\n"), ElementsAre(0));
  EXPECT_THAT(parse_cpu_list("0-2,8,10-11\n"), ElementsAre(0, 1, 2, 8, 10, 11));
  for (const char* bad : {"", "\n", "a", "1-", "-3", "3-1", "0-999999999", "1 2"}) {
    EXPECT_THAT(parse_cpu_list(bad), IsEmpty()) << bad;
  }
}

TEST(Processor, ReadsQuotas) {
  EXPECT_EQ(parse_cpu_quota("150000 100000\n"), 1.5);
  for (const char* none : {"max 100000", "", "100000", "-1 100000", "100000 0"}) {
    EXPECT_EQ(parse_cpu_quota(none), std::nullopt) << none;
  }
}

TEST(Processor, HasAThreadForThisProcess) { EXPECT_GE(default_threads(), 1); }

}  // namespace
}  // namespace llama
