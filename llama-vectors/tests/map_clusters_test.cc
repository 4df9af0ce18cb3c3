#include "llama-vectors/map_clusters.h"

#include <gmock/gmock.h>

#include <array>
#include <string>

#include "map/density_hills.h"
#include "map/random_numbers.h"

namespace llama {
namespace {

using testing::SizeIs;

struct Crowds {
  std::vector<MapPlace> places;
  std::vector<std::string> texts;
  [[nodiscard]] std::vector<std::string_view> views() const { return {texts.begin(), texts.end()}; }
};

// Three crowds, whose first points are in their middles; each text has a word of its crowd, one that all have, and a
// number.
Crowds three_crowds(std::size_t each, std::array<std::string, 3> words) {
  constexpr std::array<MapPlace, 3> kMiddles{MapPlace{-0.6F, -0.4F}, {0.5F, -0.5F}, {0.1F, 0.6F}};
  internal::RandomNumbers random(5);
  Crowds crowds;
  for (std::size_t i = 0; i < 3 * each; ++i) {
    const MapPlace middle = kMiddles[i % 3];
    const double width = i < 3 ? 0 : 0.05;
    crowds.places.push_back({middle.x + static_cast<float>(width * random.normal()),
                             middle.y + static_cast<float>(width * random.normal())});
    crowds.texts.push_back("everywhere " + words[i % 3] + " " + std::to_string(i));
  }
  return crowds;
}

TEST(MapClusters, AreTheCrowdsAndHaveTheirWords) {
  const Crowds crowds = three_crowds(400, {"elephants", "Straßenbahn", "図書館"});
  const auto found = find_clusters(crowds.places, crowds.views());
  ASSERT_TRUE(found);
  ASSERT_THAT(found->clusters, SizeIs(3));
  std::size_t right = 0;
  for (std::size_t i = 0; i < crowds.places.size(); ++i) {
    if (found->cluster_of[i] != 0 && found->cluster_of[i] == found->cluster_of[i % 3]) ++right;
  }
  EXPECT_GE(right, 1150U);
  const auto words = [&](std::size_t crowd) { return found->clusters[found->cluster_of[crowd] - 1U].words; };
  EXPECT_THAT(words(0), testing::ElementsAre("elephants"));
  EXPECT_THAT(words(1), testing::ElementsAre("Straßenbahn"));
  EXPECT_THAT(words(2), testing::ElementsAre("図書館"));
  for (std::size_t c = 1; c < 3; ++c) EXPECT_GE(found->clusters[c - 1].count, found->clusters[c].count);
}

TEST(MapClusters, ShowAWordAsItIsWrittenMostOften) {
  Crowds crowds = three_crowds(300, {"berlin", "xylophone", "zeppelin"});
  for (std::size_t i = 0; i < crowds.texts.size(); i += 3) crowds.texts[i] = i % 5 == 0 ? "BERLIN" : "Berlin";
  const auto found = find_clusters(crowds.places, crowds.views());
  ASSERT_TRUE(found);
  ASSERT_NE(found->cluster_of[0], 0);
  EXPECT_THAT(found->clusters[found->cluster_of[0] - 1U].words, testing::ElementsAre("Berlin"));
}

TEST(MapClusters, AreThereForAnyTexts) {
  Crowds crowds = three_crowds(100, {"one", "two", "three"});
  crowds.texts[0] = std::string(5000, 'x');
  crowds.texts[1] = "\xff\xfe not UTF-8 \xe2\x82";
  crowds.texts[2] = "";
  crowds.texts[3] = std::string(999, 'a') + "é is cut in two";
  EXPECT_TRUE(find_clusters(crowds.places, crowds.views()));
  EXPECT_TRUE(find_clusters({}, {}));
  const std::vector<MapPlace> one{{0, 0}};
  const std::vector<std::string_view> text{"a text"};
  const auto found = find_clusters(one, text);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->cluster_of, SizeIs(1));
  const std::vector<MapPlace> edges{{-1, -1}, {1, 1}, {-1, 1}, {1, -1}};
  const std::vector<std::string_view> four(4, "a text");
  EXPECT_TRUE(find_clusters(edges, four));
}

TEST(DensityHills, AreAsManyAsAreAskedForAtMost) {
  const Crowds crowds = three_crowds(400, {"", "", ""});
  const auto grid = internal::density_grid(crowds.places);
  EXPECT_EQ(internal::density_hills(grid, 10, 20, 0.02).count, 3U);
  EXPECT_EQ(internal::density_hills(grid, 10, 500, 0.02).count, 0U);  // none has so many points
}

// Two crowds with a bridge: one hill or two, as the valley between them is deep enough.
TEST(DensityHills, GoTogetherWhereTheValleyIsShallow) {
  internal::RandomNumbers random(9);
  std::vector<MapPlace> places;
  for (int i = 0; i < 3000; ++i) {
    const double x = i % 3 == 0 ? -0.2 + 0.4 * random.share() : (i % 3 == 1 ? -0.2 : 0.2) + 0.05 * random.normal();
    places.push_back({static_cast<float>(x), static_cast<float>(0.05 * random.normal())});
  }
  const auto grid = internal::density_grid(places);
  EXPECT_EQ(internal::density_hills(grid, 2, 30, 0.02).count, 2U);
  EXPECT_EQ(internal::density_hills(grid, 1, 30, 0.02).count, 1U);
}

}  // namespace
}  // namespace llama
