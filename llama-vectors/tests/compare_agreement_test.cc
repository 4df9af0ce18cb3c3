#include <gtest/gtest.h>

#include <random>

#include "compare/neighbour_agreement.h"

namespace llama::internal {
namespace {

TEST(RankCorrelation, IsSpearmans) {
  // The example of scipy.stats.spearmanr.
  EXPECT_DOUBLE_EQ(rank_correlation(std::vector<double>{1, 2, 3, 4, 5}, std::vector<double>{5, 6, 7, 8, 7}),
                   0.82078268166812329);
  EXPECT_DOUBLE_EQ(rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{10, 100, 1000}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{3, 2, 1}), -1);
  EXPECT_EQ(rank_correlation(std::vector<double>{1, 2, 3}, std::vector<double>{4, 4, 4}), 0);
  EXPECT_EQ(rank_correlation(std::vector<double>{1}, std::vector<double>{1}), 0);
}

TEST(NeighbourAgreement, IsWholeForTheSameDirectionsAndLessForOthers) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> a(100, std::vector<float>(7)), scaled, other;
  for (auto& vector : a)
    for (float& value : vector) value = normal(random);
  for (const auto& vector : a) {
    scaled.push_back(vector);
    for (float& value : scaled.back()) value *= 4;
    other.push_back({vector.begin(), vector.begin() + 4});
  }
  const auto same = compare_neighbours(a, scaled, 10);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->recall, 1);
  EXPECT_DOUBLE_EQ(same->rank_correlation, 1);
  const auto less = compare_neighbours(a, other, 10);
  ASSERT_TRUE(less);
  EXPECT_LT(less->recall, 0.9);
  EXPECT_GT(less->recall, 0.2);
}

TEST(NeighbourAgreement, LeavesOutWhatHasNoDirection) {
  const std::vector<std::vector<float>> a = {{1, 0}, {}, {0, 1}, {1, 1}, {0, 0}},
                                        b = {{1, 0}, {1, 1}, {0, 1}, {1, 2}, {1, 0}};
  const auto found = compare_neighbours(a, b, 10);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->positions, (std::vector<std::size_t>{0, 2, 3}));
  EXPECT_EQ(found->k, 2);
  EXPECT_EQ(found->recall, 1);
  EXPECT_FALSE(compare_neighbours(a, std::vector<std::vector<float>>{{1}}, 10));
  EXPECT_FALSE(compare_neighbours(std::vector<std::vector<float>>{{1, 2}, {1, 2, 3}},
                                  std::vector<std::vector<float>>{{1}, {2}}, 1));
}

}  // namespace
}  // namespace llama::internal
