#include "map/density_grid.h"

#include <algorithm>
#include <cmath>

namespace llama::internal {
namespace {

constexpr std::size_t kSide = 320;
constexpr double kWidth = 0.024, kWidthRows = 5000;  // the Gaussian's, of a map from -1 to 1
constexpr double kMinWidth = 0.012, kMaxWidth = 0.08;

std::vector<float> bell(double width_cells) {
  const int reach = static_cast<int>(std::ceil(3 * width_cells));
  std::vector<float> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(static_cast<float>(std::exp(-0.5 * i * i / (width_cells * width_cells))));
    sum += weights.back();
  }
  for (float& weight : weights) weight = static_cast<float>(weight / sum);
  return weights;
}

// Along one direction: cells of a line are `step` apart, lines `line` apart.
std::vector<float> smoothed(const std::vector<float>& cells, std::size_t step, std::size_t line,
                            const std::vector<float>& weights) {
  std::vector<float> result(cells.size());
  const auto reach = static_cast<std::ptrdiff_t>(weights.size() / 2), side = static_cast<std::ptrdiff_t>(kSide);
  for (std::size_t l = 0; l < kSide; ++l) {
    for (std::ptrdiff_t i = 0; i < side; ++i) {
      float sum = 0;
      for (std::ptrdiff_t j = std::max<std::ptrdiff_t>(0, i - reach); j <= std::min(side - 1, i + reach); ++j) {
        sum += cells[l * line + static_cast<std::size_t>(j) * step] * weights[static_cast<std::size_t>(j - i + reach)];
      }
      result[l * line + static_cast<std::size_t>(i) * step] = sum;
    }
  }
  return result;
}

std::size_t line_of(float coordinate) {
  const auto line = static_cast<std::ptrdiff_t>((coordinate + 1) / 2 * static_cast<float>(kSide));
  return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(line, 0, kSide - 1));
}

}  // namespace

std::size_t DensityGrid::cell_of(MapPlace place) const { return line_of(place.y) * side + line_of(place.x); }

MapPlace DensityGrid::middle_of(std::size_t cell) const {
  const auto coordinate = [this](std::size_t line) {
    return (static_cast<float>(line) + 0.5F) / static_cast<float>(side) * 2 - 1;
  };
  return {coordinate(cell % side), coordinate(cell / side)};
}

DensityGrid density_grid(std::span<const MapPlace> places) {
  DensityGrid grid{.side = kSide, .points = std::vector<float>(kSide * kSide), .density = {}};
  for (const MapPlace place : places) ++grid.points[grid.cell_of(place)];
  const double width = kWidth * std::pow(static_cast<double>(places.size()) / kWidthRows, -1.0 / 6);
  const auto weights = bell(std::clamp(width, kMinWidth, kMaxWidth) / 2 * kSide);
  grid.density = smoothed(smoothed(grid.points, 1, kSide, weights), kSide, 1, weights);
  return grid;
}

}  // namespace llama::internal
