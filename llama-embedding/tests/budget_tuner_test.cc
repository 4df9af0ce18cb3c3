#include "budget_tuner.h"

#include <gtest/gtest.h>

#include "model_budget.h"

namespace llama::internal {
namespace {

struct FakeMemory {
  std::optional<std::int64_t> known;
  int writes = 0;
  BudgetTuner::Memory seam() {
    return {.recall = [this] { return known; },
            .remember =
                [this](std::int64_t budget) {
                  known = budget;
                  ++writes;
                }};
  }
};

std::vector<BudgetMeasurement> batches(int each, std::int32_t fastest) {
  std::vector<BudgetMeasurement> all;
  for (const std::int32_t budget : kBudgets) {
    all.insert(all.end(), static_cast<std::size_t>(each),
               {budget, budget == fastest ? 200U : 100U, std::chrono::milliseconds(100)});
  }
  return all;
}

TEST(BudgetTuner, MeasuresAndRemembers) {
  FakeMemory memory;
  BudgetTuner tuner(memory.seam());
  EXPECT_TRUE(tuner.measures());
  EXPECT_EQ(tuner.choice().budget, 512);
  tuner.add(batches(2, 1024));
  EXPECT_TRUE(tuner.measures());
  EXPECT_EQ(memory.writes, 0);
  tuner.add(batches(2, 1024));
  EXPECT_FALSE(tuner.measures());
  EXPECT_EQ(tuner.choice().budget, 1024);
  EXPECT_EQ(memory.known, 1024);
  tuner.add(batches(9, 256));  // of another embedder, too late
  EXPECT_EQ(tuner.choice().budget, 1024);
  EXPECT_EQ(memory.writes, 1);
}

TEST(BudgetTuner, BeginsWithWhatIsRemembered) {
  FakeMemory memory{.known = 256};
  const BudgetTuner tuner(memory.seam());
  EXPECT_FALSE(tuner.measures());
  EXPECT_EQ(tuner.choice().budget, 256);
}

TEST(BudgetTuner, MeasuresAnewWhereTheMemoryMakesNoSense) {
  for (const std::int64_t odd : {0L, -512L, 7L, 1L << 40}) {
    FakeMemory memory{.known = odd};
    EXPECT_TRUE(BudgetTuner(memory.seam()).measures()) << odd;
  }
}

TEST(BudgetTuner, ChangesNothingThatIsGiven) {
  BudgetTuner tuner(BudgetChoice{.budget = 300, .reason = "given"});
  tuner.add(batches(9, 1024));
  EXPECT_FALSE(tuner.measures());
  EXPECT_EQ(tuner.choice().budget, 300);
}

TEST(BudgetTuner, RemembersNothingWhenItGivesUp) {
  FakeMemory memory;
  BudgetTuner tuner(memory.seam());
  tuner.give_up("no memory");
  tuner.add(batches(9, 1024));
  EXPECT_EQ(tuner.choice().budget, 512);
  EXPECT_EQ(tuner.choice().reason, "no memory");
  EXPECT_EQ(memory.writes, 0);
}

TEST(BudgetTuner, MeasuresOnlyWhereAVectorDoesNotDependOnItsBatch) {
  EXPECT_TRUE(vectors_ignore_the_batch("packed, avx2", "CPU"));
  EXPECT_FALSE(vectors_ignore_the_batch("packed, avx2", "Vulkan0"));
  EXPECT_FALSE(vectors_ignore_the_batch("stock", "CPU"));
  EXPECT_FALSE(vectors_ignore_the_batch("stock (packed was not found)", "CPU"));
}

}  // namespace
}  // namespace llama::internal
