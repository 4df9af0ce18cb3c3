#include "values/neighbour_graph.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "index/index_memory.h"
#include "llama-base/memory.h"

namespace llama::internal {
namespace {

using Near = NeighbourGraph::Near;

constexpr std::size_t kPlaces = 600, kAxes = 8;
constexpr NeighbourGraph::Options kShape{.axes = kAxes, .capacity = kPlaces, .seed = 3};

std::vector<float> random_places() {
  std::mt19937 random(5);
  std::vector<float> places(kPlaces * kAxes);
  for (float& value : places) value = static_cast<float>(random() % 1000) / 1000;
  return places;
}

// Row numbers that are not those of the places: twice as high.
NeighbourGraph filled(std::size_t workers) {
  auto graph = NeighbourGraph::make(kShape);
  const std::vector<float> places = random_places();
  std::vector<std::uint32_t> rows(kPlaces);
  for (std::uint32_t i = 0; i < kPlaces; ++i) rows[i] = 2 * i;
  // In parts, as blocks come.
  const std::span<const std::uint32_t> all = rows;
  for (std::size_t at = 0; at < kPlaces; at += 150)
    EXPECT_TRUE(graph->add_rows(all.subspan(at, 150), places.data() + at * kAxes, workers, {}));
  return std::move(*graph);
}

struct Parts {
  std::vector<std::uint8_t> levels;
  std::vector<std::byte> upper, ground;
};

Parts parts_of(const NeighbourGraph& graph) {
  const auto ground = graph.ground();
  return {graph.levels(), graph.upper_links(), {ground.begin(), ground.end()}};
}

Result<NeighbourGraph> restored(const Parts& parts) {
  return NeighbourGraph::restore(
      kShape, parts.levels, parts.upper,
      [&](std::span<std::byte> ground) -> Result<void> {
        std::ranges::copy(parts.ground, ground.begin());
        return {};
      },
      2 * kPlaces);
}

TEST(NeighbourGraph, FindsEachRowWhereSeveralThreadsFilledIt) {
  const std::vector<float> places = random_places();
  for (const std::size_t workers : {1U, 2U, 5U}) {
    const NeighbourGraph graph = filled(workers);
    ASSERT_EQ(graph.size(), kPlaces);
    std::size_t found_itself = 0;
    std::vector<Near> found;
    for (std::uint32_t i = 0; i < kPlaces; ++i) {
      ASSERT_TRUE(graph.find_among(places.data() + i * kAxes, 30, nullptr, found));
      EXPECT_EQ(found.size(), 30U);
      EXPECT_TRUE(std::ranges::is_sorted(found));
      if (found.front().row == 2 * i) ++found_itself;
    }
    EXPECT_GE(found_itself, kPlaces - 6);
  }
}

TEST(NeighbourGraph, ScansLikeASort) {
  const NeighbourGraph graph = filled(2);
  const std::vector<float> places = random_places();
  std::vector<bool> even(2 * kPlaces);
  for (std::size_t row = 0; row < even.size(); row += 4) even[row] = true;
  const std::vector<bool>* const everyone = nullptr;
  const std::vector<bool>* const some = &even;
  for (const auto* const allowed : {everyone, some}) {
    std::vector<Near> expected;
    for (std::uint32_t i = 0; i < kPlaces; ++i) {
      float sum = 0;
      for (std::size_t j = 0; j < kAxes; ++j) sum += std::pow(places[std::size_t{i} * kAxes + j] - places[j], 2.0F);
      if (allowed == nullptr || (*allowed)[2 * i]) expected.push_back({sum, 2 * i});
    }
    std::ranges::sort(expected);
    std::vector<Near> found;
    graph.scan(places.data(), 50, allowed, found);
    ASSERT_EQ(found.size(), 50U);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i].distance, expected[i].distance, 1e-5);
    std::vector<Near> walked;
    ASSERT_TRUE(graph.find_among(places.data(), 50, allowed, walked));
    for (const Near& near : walked) EXPECT_TRUE(allowed == nullptr || (*allowed)[near.row]);
  }
}

TEST(NeighbourGraph, IsTheSameWhenPutTogetherAgain) {
  const NeighbourGraph graph = filled(3);
  const auto again = restored(parts_of(graph));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->rows(), graph.rows());
  const std::vector<float> places = random_places();
  std::vector<Near> first, second;
  for (std::size_t i = 0; i < kPlaces; i += 7) {
    ASSERT_TRUE(graph.find_among(places.data() + i * kAxes, 10, nullptr, first));
    ASSERT_TRUE(again->find_among(places.data() + i * kAxes, 10, nullptr, second));
    EXPECT_EQ(first, second);
  }
}

// What digests cannot tell: whoever writes a file writes its digests.
TEST(NeighbourGraph, RefusesLinksThatLeadNowhere) {
  const Parts good = parts_of(filled(1));
  const std::size_t stride = NeighbourGraph::ground_bytes(kShape), links = 2 * kShape.links + 1;
  const auto refuses = [&](const char* what, const auto& change) {
    Parts bad = good;
    change(bad);
    const auto made = restored(bad);
    ASSERT_FALSE(made) << what;
    EXPECT_EQ(made.error().code, ErrorCode::Corrupt) << what;
  };
  const auto put = [](std::vector<std::byte>& bytes, std::size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  refuses("a link beyond the end", [&](Parts& bad) { put(bad.ground, 5 * stride + 4, std::uint32_t{kPlaces}); });
  refuses("too many links", [&](Parts& bad) { put(bad.ground, 5 * stride, std::uint32_t{33}); });
  refuses("a mark of deletion", [&](Parts& bad) { put(bad.ground, 5 * stride + 2, std::uint8_t{1}); });
  refuses("a row's number beyond the end",
          [&](Parts& bad) { put(bad.ground, 5 * stride + links * 4 + kAxes * 4, std::uint64_t{2 * kPlaces}); });
  refuses("a row twice", [&](Parts& bad) {
    std::memcpy(bad.ground.data() + 5 * stride + links * 4 + kAxes * 4, bad.ground.data() + 7 * stride - 8, 8);
  });
  refuses("a place that is none",
          [&](Parts& bad) { put(bad.ground, 5 * stride + links * 4, std::numeric_limits<float>::quiet_NaN()); });
  refuses("a level without its links", [](Parts& bad) { bad.levels.back() += 1; });
  refuses("a level beyond all", [](Parts& bad) { bad.levels[0] = 255; });
  refuses("links of no row", [](Parts& bad) { bad.upper.push_back({}); });
  refuses("links above that lead below", [&](Parts& bad) {
    const auto low = static_cast<std::uint32_t>(std::ranges::find(bad.levels, 0) - bad.levels.begin());
    put(bad.upper, 0, std::uint32_t{1});
    put(bad.upper, 4, low);
  });
}

TEST(NeighbourGraph, IsNotBegunWhereMemoryIsTooSmall) {
  if (!available_memory()) GTEST_SKIP() << "the system does not say how much memory it has";
  EXPECT_TRUE(check_index_memory(kShape, 2));
  NeighbourGraph::Options large = kShape;
  large.axes = 4096;
  large.capacity = (1ULL << 31) - 1;
  const auto checked = check_index_memory(large, 2);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::OutOfMemory);
  EXPECT_THAT(checked.error().message, testing::HasSubstr("2147483647 vectors of 4096 dimensions takes 35"));
  EXPECT_THAT(checked.error().message, testing::EndsWith(" GB are free"));
}

TEST(NeighbourGraph, StopsWhileItIsFilled) {
  auto graph = NeighbourGraph::make(kShape);
  const std::vector<float> places = random_places();
  std::vector<std::uint32_t> rows(kPlaces);
  std::ranges::iota(rows, 0U);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(graph->add_rows(rows, places.data(), 2, source.get_token()).error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama::internal
