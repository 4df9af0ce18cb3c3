#include "llama-vectors/map_projection.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "map/fuzzy_graph.h"
#include "map/near_rows.h"
#include "map/principal_axes.h"
#include "map/random_numbers.h"

namespace llama {
namespace {

using testing::Each;

// Groups far apart: row i belongs to group i % groups.
std::vector<float> grouped_vectors(std::size_t rows, std::size_t dimension, std::size_t groups, double spread) {
  internal::RandomNumbers random(7);
  std::vector<double> middles(groups * dimension);
  for (double& entry : middles) entry = random.normal();
  std::vector<float> values;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t d = 0; d < dimension; ++d) {
      values.push_back(static_cast<float>(middles[i % groups * dimension + d] + spread * random.normal()));
    }
  }
  return values;
}

double cosine_of(const VectorMatrix& vectors, std::size_t a, std::size_t b) {
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t d = 0; d < vectors.dimension; ++d) {
    const double x = vectors.row(a)[d], y = vectors.row(b)[d];
    dot += x * y, aa += x * x, bb += y * y;
  }
  return dot / std::sqrt(aa * bb);
}

// Of the true nearest rows, by doubles and a sort, the share that the projection names.
double near_recall(const VectorMatrix& vectors, const Projection& found, std::size_t step) {
  double hits = 0, all = 0;
  for (std::size_t i = 0; i < vectors.rows(); i += step) {
    std::vector<std::pair<double, std::size_t>> ranked;
    for (std::size_t j = 0; j < vectors.rows(); ++j) {
      if (j != i) ranked.emplace_back(-cosine_of(vectors, i, j), j);
    }
    std::ranges::sort(ranked);
    const auto* first = found.near.data() + i * found.near_each;
    const std::set<std::size_t> named(first, first + found.near_each);
    for (std::size_t k = 0; k < found.near_each; ++k) hits += static_cast<double>(named.count(ranked[k].second)), ++all;
  }
  return hits / all;
}

bool is_on_the_map(const MapPlace& place) {
  return std::isfinite(place.x) && std::isfinite(place.y) && std::abs(place.x) <= 1 && std::abs(place.y) <= 1;
}

TEST(MapProjection, IsTheSameWithAnyNumberOfThreads) {
  const auto values = grouped_vectors(1500, 24, 9, 0.3);
  const VectorMatrix vectors{.values = values, .dimension = 24};
  const auto one = project(vectors, {.seed = 3, .epochs = 20, .threads = 1});
  const auto three = project(vectors, {.seed = 3, .epochs = 20, .threads = 3});
  const auto other = project(vectors, {.seed = 4, .epochs = 20, .threads = 1});
  ASSERT_TRUE(one && three && other);
  EXPECT_EQ(one->places, three->places);
  EXPECT_EQ(one->near, three->near);
  EXPECT_NE(one->places, other->places);
}

TEST(MapProjection, KeepsGroupsTogether) {
  const auto values = grouped_vectors(1200, 32, 6, 0.15);
  const auto found = project({.values = values, .dimension = 32}, {});
  ASSERT_TRUE(found);
  std::size_t right = 0;
  for (std::size_t i = 0; i < found->places.size(); ++i) {
    double best = std::numeric_limits<double>::infinity();
    std::size_t nearest = i;
    for (std::size_t j = 0; j < found->places.size(); ++j) {
      const double distance =
          std::hypot(found->places[i].x - found->places[j].x, found->places[i].y - found->places[j].y);
      if (j != i && distance < best) best = distance, nearest = j;
    }
    right += nearest % 6 == i % 6 ? 1 : 0;
  }
  EXPECT_GE(right, 1190U);
}

TEST(MapProjection, NamesTheTrueNearestRows) {
  const auto values = grouped_vectors(600, 40, 5, 0.5);
  const VectorMatrix vectors{.values = values, .dimension = 40};
  const auto found = project(vectors, {.epochs = 5});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->near_each, 15U);
  EXPECT_GE(near_recall(vectors, *found, 1), 0.999);  // 40 dimensions are 40 axes: nothing is lost
  for (std::size_t k = 0; k < found->near.size(); ++k) {
    EXPECT_NE(found->near[k], k / 15);
    EXPECT_NEAR(found->similarities[k], cosine_of(vectors, k / 15, found->near[k]), 1e-4);
  }
}

TEST(MapProjection, FindsNearRowsByTheGraphToo) {
  const std::size_t rows = internal::kExactRows + 1000;
  const auto values = grouped_vectors(rows, 40, 30, 0.5);
  const VectorMatrix vectors{.values = values, .dimension = 40};
  const auto found = project(vectors, {.epochs = 2});
  ASSERT_TRUE(found);
  EXPECT_GE(near_recall(vectors, *found, 97), 0.9);  // the index is an approximate one
}

TEST(MapProjection, TakesFewRowsAndEqualOnes) {
  for (const std::size_t rows : {1, 2, 3, 4, 17}) {
    const auto values = grouped_vectors(rows, 5, 2, 0.1);
    const auto found = project({.values = values, .dimension = 5}, {});
    ASSERT_TRUE(found) << rows;
    EXPECT_EQ(found->places.size(), rows);
    EXPECT_THAT(found->places, Each(testing::Truly(is_on_the_map)));
  }
  const std::vector<float> equal(300 * 3, 0.5F);
  const auto found = project({.values = equal, .dimension = 3}, {});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->places, Each(testing::Truly(is_on_the_map)));
}

TEST(MapProjection, TakesOneDimension) {
  const std::vector<float> values{1, 2, -1, 3, -5, 0.5F};
  const auto found = project({.values = values, .dimension = 1}, {});
  ASSERT_TRUE(found);
  EXPECT_THAT(found->places, Each(testing::Truly(is_on_the_map)));
}

TEST(MapProjection, RefusesWhatItCannotShow) {
  EXPECT_EQ(project({}, {}).error().code, ErrorCode::InvalidArgument);
  const std::vector<float> values{1, 2, 3, 4};
  EXPECT_EQ(project({.values = values, .dimension = 2}, {.neighbors = 0}).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(project({.values = values, .dimension = 2}, {.neighbors = 999}).error().code, ErrorCode::InvalidArgument);
}

TEST(MapProjection, StopsWhenItIsAsked) {
  const auto values = grouped_vectors(2000, 16, 3, 0.2);
  for (const std::string_view part : {"axes", "neighbours", "layout"}) {
    std::stop_source source;
    const auto stop = [&](std::string_view now, double) {
      if (now == part) source.request_stop();
    };
    const auto found = project({.values = values, .dimension = 16}, {.progress = stop}, source.get_token());
    ASSERT_FALSE(found) << part;
    EXPECT_EQ(found.error().code, ErrorCode::Cancelled);
  }
}

TEST(HasDirection, IsNotSoOfZerosAndNumbersThatAreNone) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(has_direction(std::vector<float>{0, 1e-10F}));
  EXPECT_TRUE(has_direction(std::vector<float>{1e30F, -1e30F}));
  for (const auto& vector : {std::vector<float>{0, 0}, {1, nan}, {infinite, 1}, {}})
    EXPECT_FALSE(has_direction(vector));
}

TEST(PrincipalAxes, KeepDistancesWhereAllAreTaken) {
  const auto values = grouped_vectors(80, 12, 4, 0.7);
  const VectorMatrix vectors{.values = values, .dimension = 12};
  const auto found = internal::principal_coordinates(vectors, std::vector<float>(80, 1.0F), 50, {}, {});
  ASSERT_EQ(found.axes, 12U);
  const VectorMatrix turned{.values = found.values, .dimension = 12};
  const auto distance = [](const VectorMatrix& m, std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t d = 0; d < m.dimension; ++d) sum += std::pow(m.row(a)[d] - m.row(b)[d], 2);
    return std::sqrt(sum);
  };
  std::vector<double> variances(12);
  for (std::size_t i = 0; i < 80; ++i) {
    for (std::size_t d = 0; d < 12; ++d) variances[d] += std::pow(turned.row(i)[d], 2);
    EXPECT_NEAR(distance(vectors, 0, i), distance(turned, 0, i), 1e-4);
  }
  EXPECT_TRUE(std::ranges::is_sorted(variances, std::greater{}));
}

TEST(FuzzyGraph, HasEachEdgeAtBothEndsAndTheNearestWhole) {
  const internal::RowNeighbours near{
      .each = 2, .rows = {1, 2, 0, 2, 1, 3, 2, 1}, .similarities = {0.9F, 0.5F, 0.9F, 0.8F, 0.8F, 0.7F, 0.7F, 0.2F}};
  const auto graph = internal::fuzzy_graph(near);
  const auto weight = [&](std::size_t from, std::uint32_t to) {
    for (std::size_t e = graph.starts[from]; e < graph.starts[from + 1]; ++e) {
      if (graph.ends[e] == to) return graph.weights[e];
    }
    return 0.0F;
  };
  EXPECT_EQ(weight(0, 1), 1);
  EXPECT_EQ(weight(0, 3), 0);
  for (std::uint32_t a = 0; a < 4; ++a) {
    for (std::uint32_t b = 0; b < 4; ++b) EXPECT_EQ(weight(a, b), weight(b, a));
  }
  // Of row 0: exp(-0.4 / s) = log2(3) - 1 for its second edge; row 2 does not name it.
  EXPECT_NEAR(weight(0, 2), std::log2(3.0) - 1, 1e-4);
}

}  // namespace
}  // namespace llama
