#include "llama-core/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

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

TEST(Processor, HasANameOrNumbers) {
  struct Row {
    const char *what, *cpuinfo, *name;
  };
  const std::vector<Row> rows = {
      {"x86-64", "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC 9B45\n\nprocessor\t: 1\nmodel name\t: other\n",
       "AMD EPYC 9B45"},
      {"arm64: the first core's",
       "processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\n"
       "CPU part\t: 0xd40\nCPU revision\t: 1\n\nprocessor\t: 1\nCPU implementer\t: 0x51\nCPU part\t: 0xd0c\n",
       "arm 0x41 0xd40 0x1 1"},
      {"neither", "processor : 0\nhart : 1\n", ""},
      {"no value", "model name\n", ""},
      {"nothing", "", ""},
  };
  for (const Row& row : rows) {
    std::istringstream cpuinfo{row.cpuinfo};
    EXPECT_EQ(parse_processor_name(cpuinfo), row.name) << row.what;
  }
}

TEST(Processor, HasAThreadForThisProcess) { EXPECT_GE(default_threads(), 1); }

}  // namespace
}  // namespace llama
