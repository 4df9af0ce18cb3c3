#include "map/fuzzy_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace llama::internal {
namespace {

constexpr int kBisections = 64;
constexpr double kTolerance = 1e-5;
constexpr double kSmallestScale = 1e-3;  // of the mean distance

// The weights of a row's edges from its distances, which grow.
void weigh(std::span<const float> distances, double mean_of_all, std::span<float> weights) {
  const auto first = std::ranges::find_if(distances, [](float distance) { return distance > 0; });
  const double nearest = first == distances.end() ? 0 : *first;
  const double target = std::log2(static_cast<double>(distances.size()) + 1);
  double low = 0, high = std::numeric_limits<double>::infinity(), scale = 1;
  for (int i = 0; i < kBisections; ++i) {
    double sum = 0;
    for (const float distance : distances) sum += std::exp(-std::max(0.0, distance - nearest) / scale);
    if (std::abs(sum - target) < kTolerance) break;
    (sum > target ? high : low) = scale;
    scale = std::isinf(high) ? scale * 2 : (low + high) / 2;
  }
  double mean = 0;
  for (const float distance : distances) mean += distance / static_cast<double>(distances.size());
  scale = std::max(scale, kSmallestScale * (nearest > 0 ? mean : mean_of_all));
  for (std::size_t j = 0; j < distances.size(); ++j) {
    const double beyond = distances[j] - nearest;
    weights[j] = beyond <= 0 || scale <= 0 ? 1.0F : static_cast<float>(std::exp(-beyond / scale));
  }
}

struct Edge {
  std::uint32_t end;
  float weight;
};

}  // namespace

FuzzyGraph fuzzy_graph(const RowNeighbours& near) {
  const std::size_t count = near.rows.size() / near.each;
  std::vector<float> distances(near.similarities.size()), weights(near.similarities.size());
  double mean = 0;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    distances[i] = std::max(0.0F, 1 - near.similarities[i]);
    mean += distances[i] / static_cast<double>(distances.size());
  }
  for (std::size_t i = 0; i < count; ++i) {
    weigh(std::span(distances).subspan(i * near.each, near.each), mean,
          std::span(weights).subspan(i * near.each, near.each));
  }
  // Both directions of each edge, sorted by their beginnings by counting.
  std::vector<std::size_t> starts(count + 1, 0);
  for (std::size_t k = 0; k < near.rows.size(); ++k) ++starts[k / near.each + 1], ++starts[near.rows[k] + 1];
  for (std::size_t i = 0; i < count; ++i) starts[i + 1] += starts[i];
  std::vector<Edge> edges(2 * near.rows.size());
  std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
  for (std::size_t k = 0; k < near.rows.size(); ++k) {
    const auto row = static_cast<std::uint32_t>(k / near.each);
    edges[next[row]++] = {near.rows[k], weights[k]};
    edges[next[near.rows[k]]++] = {row, weights[k]};
  }
  FuzzyGraph graph;
  graph.starts.reserve(count + 1);
  graph.starts.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    const auto own = std::span(edges).subspan(starts[i], starts[i + 1] - starts[i]);
    std::ranges::sort(
        own, [](const Edge& a, const Edge& b) { return a.end != b.end ? a.end < b.end : a.weight < b.weight; });
    for (std::size_t j = 0; j < own.size(); ++j) {
      if (j + 1 < own.size() && own[j + 1].end == own[j].end) {
        own[j + 1].weight = own[j].weight + own[j + 1].weight - own[j].weight * own[j + 1].weight;
        continue;
      }
      graph.ends.push_back(own[j].end);
      graph.weights.push_back(own[j].weight);
    }
    graph.starts.push_back(graph.ends.size());
  }
  return graph;
}

}  // namespace llama::internal
