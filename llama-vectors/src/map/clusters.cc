#include <algorithm>
#include <cmath>
#include <utility>

#include "llama-vectors/map_clusters.h"
#include "map/density_grid.h"
#include "map/density_hills.h"
#include "map/word_counts.h"

namespace llama {
namespace {

constexpr std::size_t kMaxClusters = 36, kPartsPerCluster = 4;
constexpr double kOutside = 0.02;  // of the points: in no cluster
constexpr std::size_t kWordTexts = 50'000, kWords = 5;

std::vector<std::uint16_t> hills_of(std::span<const MapPlace> places, const internal::DensityGrid& grid,
                                    const internal::DensityHills& hills) {
  std::vector<std::uint16_t> result;
  result.reserve(places.size());
  for (const MapPlace place : places) result.push_back(hills.hill_of[grid.cell_of(place)]);
  return result;
}

// Middle, radius and count; where a hill is crowded counts more.
std::vector<MapCluster> measure(std::span<const MapPlace> places, std::span<const std::uint16_t> hill_of,
                                const internal::DensityGrid& grid, std::size_t count) {
  std::vector<MapCluster> found(count);
  std::vector<double> xs(count), ys(count), weights(count), squares(count);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (hill_of[i] == 0) continue;
    const std::size_t hill = hill_of[i] - 1U;
    const double weight = grid.density[grid.cell_of(places[i])];
    xs[hill] += weight * places[i].x, ys[hill] += weight * places[i].y, weights[hill] += weight;
    ++found[hill].count;
  }
  for (std::size_t h = 0; h < count; ++h) {
    if (weights[h] > 0)
      found[h].middle = {static_cast<float>(xs[h] / weights[h]), static_cast<float>(ys[h] / weights[h])};
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (hill_of[i] == 0) continue;
    MapCluster& hill = found[hill_of[i] - 1U];
    squares[hill_of[i] - 1U] += std::pow(places[i].x - hill.middle.x, 2) + std::pow(places[i].y - hill.middle.y, 2);
  }
  for (std::size_t h = 0; h < count; ++h) {
    found[h].radius =
        static_cast<float>(std::sqrt(squares[h] / static_cast<double>(std::max<std::size_t>(1, found[h].count))));
  }
  return found;
}

// The largest first; renumbers hill_of.
void sort_by_size(std::vector<MapCluster>& clusters, std::vector<std::uint16_t>& hill_of) {
  std::vector<std::size_t> order(clusters.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return clusters[a].count > clusters[b].count; });
  std::vector<std::uint16_t> numbers(clusters.size() + 1);
  std::vector<MapCluster> sorted;
  for (const std::size_t old : order) {
    sorted.push_back(std::move(clusters[old]));
    numbers[old + 1] = static_cast<std::uint16_t>(sorted.size());
  }
  clusters = std::move(sorted);
  for (std::uint16_t& hill : hill_of) hill = numbers[hill];
}

// The cluster that most points of each part are in.
void find_parents(std::vector<MapCluster>& parts, std::span<const std::uint16_t> part_of,
                  std::span<const std::uint16_t> cluster_of, std::size_t clusters) {
  std::vector<std::vector<std::size_t>> shared(parts.size(), std::vector<std::size_t>(clusters + 1));
  for (std::size_t i = 0; i < part_of.size(); ++i) {
    if (part_of[i] != 0) ++shared[part_of[i] - 1U][cluster_of[i]];
  }
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const auto most = std::max_element(shared[p].begin() + 1, shared[p].end());
    parts[p].parent =
        most == shared[p].end() || *most == 0 ? kNoCluster : static_cast<std::size_t>(most - shared[p].begin() - 1);
  }
}

// Class numbers for the words: parts, and after them clusters' points that are in no part.
Result<void> name_all(MapClusters& found, std::span<const std::uint16_t> part_of,
                      std::span<const std::string_view> texts, const std::stop_token& stop) {
  auto words = internal::WordCounts::create();
  if (!words) return std::unexpected(words.error());
  const std::size_t step = std::max<std::size_t>(1, (texts.size() + kWordTexts - 1) / kWordTexts);
  const std::size_t parts = found.parts.size(), clusters = found.clusters.size();
  for (std::size_t i = 0; i < texts.size(); i += step) {
    if (i / step % 256 == 0 && stop.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
    if (part_of[i] != 0)
      words->add(texts[i], part_of[i] - 1U);
    else if (found.cluster_of[i] != 0)
      words->add(texts[i], parts + found.cluster_of[i] - 1U);
  }
  std::vector<std::size_t> to_parts(parts + clusters, kNoCluster), to_clusters(parts + clusters);
  for (std::size_t p = 0; p < parts; ++p) to_parts[p] = p, to_clusters[p] = found.parts[p].parent;
  for (std::size_t c = 0; c < clusters; ++c) to_clusters[parts + c] = c;
  auto of_parts = words->typical(to_parts, parts, kWords);
  auto of_clusters = words->typical(to_clusters, clusters, kWords);
  for (std::size_t p = 0; p < parts; ++p) found.parts[p].words = std::move(of_parts[p]);
  for (std::size_t c = 0; c < clusters; ++c) found.clusters[c].words = std::move(of_clusters[c]);
  return {};
}

}  // namespace

Result<MapClusters> find_clusters(std::span<const MapPlace> places, std::span<const std::string_view> texts,
                                  const std::stop_token& stop) {
  const auto grid = internal::density_grid(places);
  const double root = std::sqrt(static_cast<double>(places.size()));
  const std::size_t most = std::clamp<std::size_t>(static_cast<std::size_t>(root / 5), 2, kMaxClusters);
  const std::size_t least = std::max<std::size_t>(3, std::min(places.size() / 200, static_cast<std::size_t>(root)));
  const auto hills = internal::density_hills(grid, most, least, kOutside);
  const auto small_hills =
      internal::density_hills(grid, most * kPartsPerCluster, std::max<std::size_t>(3, least / 5), kOutside);
  MapClusters found;
  found.cluster_of = hills_of(places, grid, hills);
  found.clusters = measure(places, found.cluster_of, grid, hills.count);
  sort_by_size(found.clusters, found.cluster_of);
  auto part_of = hills_of(places, grid, small_hills);
  found.parts = measure(places, part_of, grid, small_hills.count);
  sort_by_size(found.parts, part_of);
  find_parents(found.parts, part_of, found.cluster_of, found.clusters.size());
  if (auto named = name_all(found, part_of, texts, stop); !named) return std::unexpected(named.error());
  std::vector<std::size_t> siblings(found.clusters.size());
  for (const MapCluster& part : found.parts)
    if (part.parent != kNoCluster) ++siblings[part.parent];
  std::erase_if(found.parts,
                [&](const MapCluster& part) { return part.parent != kNoCluster && siblings[part.parent] < 2; });
  return found;
}

}  // namespace llama
