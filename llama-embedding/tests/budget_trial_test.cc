#include "budget_trial.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace llama::internal {
namespace {

using std::chrono::milliseconds;

std::vector<std::size_t> lengths(std::size_t count, std::size_t least, std::size_t most) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> length(least, most);
  std::vector<std::size_t> all(count);
  for (auto& one : all) one = length(random);
  return all;
}

struct Totals {
  std::size_t texts = 0, tokens = 0, counted = 0;
};
std::map<std::int32_t, Totals> totals(const Trial& trial, const std::vector<std::size_t>& all) {
  std::map<std::int32_t, Totals> found;
  for (const TrialBatch& batch : trial.batches) {
    Totals& mine = found[batch.budget];
    mine.texts += batch.texts.size();
    mine.counted += batch.counts ? 1 : 0;
    for (const std::size_t i : batch.texts) mine.tokens += all[i];
  }
  return found;
}

TEST(BudgetTrial, KeepsEveryTextOnce) {
  for (const auto& all : {lengths(1024, 5, 60), lengths(1024, 8, 900), lengths(30, 1, 20), lengths(0, 1, 1)}) {
    const Trial trial = plan_trial(all, 32);
    std::multiset<std::size_t> seen(trial.rest.begin(), trial.rest.end());
    for (const TrialBatch& batch : trial.batches) seen.insert(batch.texts.begin(), batch.texts.end());
    std::multiset<std::size_t> expected;
    for (std::size_t i = 0; i < all.size(); ++i) expected.insert(i);
    EXPECT_EQ(seen, expected);
  }
}

TEST(BudgetTrial, KeepsToEachBudgetAndToTheNumberOfTexts) {
  const auto all = lengths(1024, 5, 400);
  for (const TrialBatch& batch : plan_trial(all, 8).batches) {
    EXPECT_LE(batch.texts.size(), 8u);
    std::size_t tokens = 0;
    for (const std::size_t i : batch.texts) tokens += all[i];
    if (batch.texts.size() > 1) {
      EXPECT_LE(tokens, static_cast<std::size_t>(batch.budget));
    }
  }
}

// A pass has the prefix once, beside its texts' own tokens; it leaves them half of a budget at least.
TEST(BudgetTrial, LeavesRoomForAPrefix) {
  const auto all = lengths(1024, 5, 60);
  for (const std::size_t prefix : {20, 100, 200}) {
    std::size_t most = 0;
    for (const TrialBatch& batch : plan_trial(all, 256, prefix).batches) {
      std::size_t tokens = 0;
      for (const std::size_t i : batch.texts) tokens += all[i];
      const auto budget = static_cast<std::size_t>(batch.budget);
      EXPECT_LE(tokens, std::max(budget - std::min(budget, prefix), budget / 2)) << prefix;
      most = std::max(most, tokens + prefix);
    }
    EXPECT_GT(most, 1000u);
  }
}

TEST(BudgetTrial, GivesEachBudgetTheSameMix) {
  for (const auto& all : {lengths(1024, 5, 60), lengths(1024, 8, 500)}) {
    const auto found = totals(plan_trial(all, 32), all);
    ASSERT_EQ(found.size(), 3u);
    const Totals& usual = found.at(512);
    EXPECT_GT(usual.tokens, 4000u);
    EXPECT_LT(usual.tokens, 6200u);
    for (const auto& [budget, mine] : found) {
      EXPECT_NEAR(static_cast<double>(mine.tokens), static_cast<double>(usual.tokens), 500) << budget;
      EXPECT_NEAR(static_cast<double>(mine.texts), static_cast<double>(usual.texts), 2) << budget;
      EXPECT_GE(mine.counted, 4u) << budget;
    }
  }
}

TEST(BudgetTrial, LetsAllBudgetsDoAboutAsMuchAtAnyTime) {
  const auto all = lengths(1024, 5, 60);
  std::map<std::int32_t, std::size_t> done{{256, 0}, {512, 0}, {1024, 0}};
  const Trial trial = plan_trial(all, 64);
  for (std::size_t i = 0; i + 3 < trial.batches.size(); ++i) {
    for (const std::size_t text : trial.batches[i].texts) done[trial.batches[i].budget] += all[text];
    const auto [least, most] = std::minmax({done[256], done[512], done[1024]});
    EXPECT_LE(most - least, 1024u);
  }
}

TEST(BudgetTrial, LeavesASmallWindowAloneAndTextsThatFillAPass) {
  const auto few = lengths(300, 20, 40);  // 9,000 tokens
  EXPECT_TRUE(plan_trial(few, 32).batches.empty());
  EXPECT_EQ(plan_trial(few, 32).rest.size(), few.size());
  EXPECT_TRUE(plan_trial(lengths(200, 513, 2000), 32).batches.empty());
  EXPECT_FALSE(plan_trial(lengths(400, 20, 40), 32).batches.empty());
}

std::vector<BudgetMeasurement> measured(const std::map<std::int32_t, std::vector<int>>& tokens_per_second) {
  std::vector<BudgetMeasurement> all;
  for (const auto& [budget, speeds] : tokens_per_second) {
    for (const int speed : speeds) all.push_back({budget, static_cast<std::size_t>(speed), milliseconds(1000)});
  }
  return all;
}

TEST(BudgetChoice, IsTheFastestByItsMedian) {
  struct Row {
    const char* what;
    std::map<std::int32_t, std::vector<int>> speeds;
    std::int32_t budget;
  };
  const std::vector<int> usual{1000, 1000, 1000, 1000};
  const std::vector<Row> rows = {
      {"the largest is fastest", {{256, {900, 900, 900, 900}}, {512, usual}, {1024, {1100, 1100, 1100, 1100}}}, 1024},
      {"the smallest is fastest",
       {{256, {1300, 1300, 1300, 1300}}, {512, usual}, {1024, {1100, 1100, 1100, 1100}}},
       256},
      {"none is faster", {{256, {900, 900, 900, 900}}, {512, usual}, {1024, {990, 990, 990, 990}}}, 512},
      {"by chance", {{256, {1010, 1010, 1010, 1010}}, {512, usual}, {1024, {1019, 1019, 1019, 1019}}}, 512},
      {"one batch was held up", {{256, {900, 900, 900, 900}}, {512, usual}, {1024, {1100, 1, 1100, 1100}}}, 1024},
      {"one batch was lucky", {{256, {900, 9000, 900, 900, 900}}, {512, usual}, {1024, {990, 990, 990, 990}}}, 512},
  };
  for (const Row& row : rows) {
    const auto choice = choose_budget(measured(row.speeds));
    ASSERT_TRUE(choice) << row.what;
    EXPECT_EQ(choice->budget, row.budget) << row.what;
  }
}

TEST(BudgetChoice, SaysWhatWasMeasured) {
  const std::vector<int> speeds{100, 100, 100, 100};
  EXPECT_EQ(choose_budget(measured({{256, speeds}, {512, speeds}, {1024, {200, 200, 200, 200}}}))->reason,
            "measured: 256 tokens: 100/s, 512 tokens: 100/s, 1024 tokens: 200/s");
}

TEST(BudgetChoice, WaitsForEnoughOfEach) {
  const std::vector<int> enough{1, 1, 1, 1};
  EXPECT_FALSE(choose_budget({}));
  EXPECT_FALSE(choose_budget(measured({{256, enough}, {512, enough}})));
  EXPECT_FALSE(choose_budget(measured({{256, enough}, {512, enough}, {1024, {1, 1, 1}}})));
  EXPECT_TRUE(choose_budget(measured({{256, enough}, {512, enough}, {1024, enough}})));
}

TEST(BudgetChoice, SurvivesATimeOfZero) {
  std::vector<BudgetMeasurement> all;
  for (const std::int32_t budget : kBudgets) all.insert(all.end(), 4, {budget, 100, milliseconds(0)});
  EXPECT_EQ(choose_budget(all)->budget, 512);
}

}  // namespace
}  // namespace llama::internal
