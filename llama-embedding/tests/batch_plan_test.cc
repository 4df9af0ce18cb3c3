#include "llama-embedding/batch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace llama {
namespace {

TEST(BatchPlan, KeepsEveryTextOnceWithinTheBounds) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::size_t> lengths(random() % 300);
    for (auto& length : lengths) length = 1 + random() % 700;
    const std::size_t budget = 1 + random() % 600, most = 1 + random() % 40;
    std::vector<int> seen(lengths.size());
    for (const auto& batch : plan_batches(lengths, budget, most)) {
      ASSERT_FALSE(batch.empty());
      ASSERT_LE(batch.size(), most);
      std::size_t tokens = 0;
      for (const auto i : batch) tokens += lengths[i], ++seen[i];
      if (batch.size() > 1) {
        ASSERT_LE(tokens, budget);
      }
    }
    ASSERT_TRUE(std::ranges::all_of(seen, [](int n) { return n == 1; }));
  }
}

TEST(BatchPlan, FillsBatches) {
  const std::vector<std::size_t> lengths{300, 200, 256, 256};
  EXPECT_EQ(plan_batches(lengths, 512, 32).size(), 2u);
}

}  // namespace
}  // namespace llama
