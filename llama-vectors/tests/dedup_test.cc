#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

#include "dedup/hash_table.h"
#include "llama-vectors/near_duplicates.h"

namespace llama::internal {
namespace {

TEST(HashPlan, HasTheRecallOfItsBitsAndTables) {
  // A pair at 90 degrees is on one side of half of the planes.
  EXPECT_NEAR((HashPlan{.bits = 1, .tables = 1}.recall(0)), 0.5, 1e-12);
  EXPECT_NEAR((HashPlan{.bits = 2, .tables = 3}.recall(0)), 1 - std::pow(0.75, 3), 1e-12);
  EXPECT_EQ(HashPlan{}.recall(0.3), 1);
  EXPECT_EQ((HashPlan{.bits = 9, .tables = 1}.recall(1)), 1);
}

TEST(HashPlan, IsChosenWithTheRecallThatIsAskedFor) {
  const std::vector<double> far(100, 0.1), close(100, 0.8);
  for (const std::uint64_t rows : {3'000U, 100'000U, 10'000'000U})
    for (const double threshold : {0.8, 0.9, 0.97, 0.999})
      for (const double recall : {0.9, 0.99, 0.999}) {
        const HashPlan plan = choose_hash_plan(rows, threshold, recall, far);
        EXPECT_GE(plan.recall(threshold), recall);
        EXPECT_GT(plan.bits, 0) << rows << ", " << threshold;
      }
  EXPECT_EQ(choose_hash_plan(10, 0.97, 0.99, far), HashPlan{});
  // Where all lie close, more bits are needed to tell them apart.
  EXPECT_GT(choose_hash_plan(1'000'000, 0.97, 0.99, close).bits, choose_hash_plan(1'000'000, 0.97, 0.99, far).bits);
}

TEST(RowSets, HaveTheirLeastMemberAsRoot) {
  RowSets<std::uint64_t> sets(6);
  EXPECT_TRUE(sets.join(4, 5));
  EXPECT_TRUE(sets.join(5, 2));
  EXPECT_FALSE(sets.join(2, 4));
  EXPECT_EQ(sets.root(5), 2);
  EXPECT_EQ(sets.root_of(4), 2);
  EXPECT_EQ(sets.root(3), 3);
}

TEST(Gaussian, IsNormallyDistributed) {
  Gaussian random(1);
  double sum = 0, squares = 0, within_one = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double number = random.next();
    sum += number;
    squares += number * number;
    within_one += std::abs(number) < 1 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(within_one / kCount, 0.6827, 0.01);
}

// 2,000 pairs at exactly one angle, in directions of their own: the share that one plan joins is the plan's recall.
TEST(NearRows, JoinPairsWithTheProbabilityThatThePlanSays) {
  constexpr std::size_t kPairs = 2'000, kDimension = 64;
  constexpr double kCosine = 0.9;
  auto vectors = HeldVectors::create(2 * kPairs, kDimension * 4, std::uint64_t{1} << 30, ".");
  ASSERT_TRUE(vectors);
  Gaussian random(7);
  for (std::size_t pair = 0; pair < kPairs; ++pair) {
    std::vector<double> a(kDimension), b(kDimension);
    for (double& value : a) value = random.next();
    for (double& value : b) value = random.next();
    const double aa = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
    const double ab = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    for (std::size_t i = 0; i < kDimension; ++i) b[i] -= a[i] * ab / aa;
    const double bb = std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
    std::vector<float> first(a.begin(), a.end()), second;
    for (std::size_t i = 0; i < kDimension; ++i)
      second.push_back(
          static_cast<float>(kCosine * a[i] / std::sqrt(aa) + std::sqrt(1 - kCosine * kCosine) * b[i] / std::sqrt(bb)));
    std::memcpy(vectors->vector(2 * pair), first.data(), kDimension * 4);
    std::memcpy(vectors->vector(2 * pair + 1), second.data(), kDimension * 4);
  }
  std::vector<std::uint64_t> rows(2 * kPairs);
  std::iota(rows.begin(), rows.end(), std::uint64_t{0});
  const VectorWidener widener(VectorElement::Float32, kDimension, std::nullopt);
  NearRows near(*vectors, rows, widener, kCosine - 1e-6, 2);
  for (const HashPlan plan : {HashPlan{.bits = 8, .tables = 2}, HashPlan{.bits = 12, .tables = 6}, HashPlan{}}) {
    RowSets<std::uint64_t> sets(rows.size());
    Gaussian planes(3);
    for (int table = 0; table < plan.tables; ++table) ASSERT_TRUE(near.join_table(plan.bits, planes, sets, {}));
    double joined = 0;
    std::set<std::uint64_t> roots;
    for (std::size_t pair = 0; pair < kPairs; ++pair) {
      joined += sets.root(2 * pair) == sets.root(2 * pair + 1) ? 1 : 0;
      roots.insert(sets.root(2 * pair));
    }
    EXPECT_EQ(roots.size(), kPairs) << "different pairs are far from each other";
    // Four standard deviations of 2,000 tries.
    EXPECT_NEAR(joined / kPairs, plan.recall(kCosine), 4 * std::sqrt(0.25 / kPairs)) << plan.bits;
  }
}

}  // namespace
}  // namespace llama::internal
