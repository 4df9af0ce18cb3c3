#include "map/density_hills.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
constexpr int kTries = 24;
constexpr double kSmallestRise = 1.02, kLargestRise = 1e4;

class Flooding {
 public:
  Flooding(const DensityGrid& grid, std::size_t least_points, double outside)
      : grid_(grid), least_points_(static_cast<float>(least_points)) {
    for (std::uint32_t cell = 0; cell < grid.density.size(); ++cell) {
      if (grid.density[cell] > 0) order_.push_back(cell);
    }
    std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
      return std::pair(-grid_.density[a], a) < std::pair(-grid_.density[b], b);
    });
    double all = 0, taken = 0;
    for (const std::uint32_t cell : order_) all += grid_.points[cell];
    std::size_t kept = 0;
    while (kept < order_.size() && taken < (1 - outside) * all) taken += grid_.points[order_[kept++]];
    order_.resize(kept);
  }

  [[nodiscard]] DensityHills hills(double least_rise) {
    parent_.assign(grid_.density.size(), kNowhere);
    points_.assign(grid_.density.size(), 0);
    for (const std::uint32_t cell : order_) take(cell, least_rise);
    DensityHills found{.count = 0, .hill_of = std::vector<std::uint16_t>(grid_.density.size())};
    std::vector<std::uint16_t> numbers(grid_.density.size());
    for (const std::uint32_t cell : order_) {  // a summit comes before all cells of its hill
      const std::uint32_t summit = summit_of(cell);
      if (points_[summit] < least_points_) continue;
      if (numbers[summit] == 0) {
        if (found.count == std::numeric_limits<std::uint16_t>::max()) continue;
        numbers[summit] = static_cast<std::uint16_t>(++found.count);
      }
      found.hill_of[cell] = numbers[summit];
    }
    return found;
  }

 private:
  std::uint32_t summit_of(std::uint32_t cell) {
    while (parent_[cell] != cell) cell = parent_[cell] = parent_[parent_[cell]];
    return cell;
  }

  void take(std::uint32_t cell, double least_rise) {
    std::uint32_t highest = kNowhere;
    const auto each_neighbour = [&](auto&& visit) {
      const auto side = static_cast<std::ptrdiff_t>(grid_.side), x = cell % side, y = cell / side;
      for (std::ptrdiff_t j = std::max<std::ptrdiff_t>(0, y - 1); j <= std::min(side - 1, y + 1); ++j) {
        for (std::ptrdiff_t i = std::max<std::ptrdiff_t>(0, x - 1); i <= std::min(side - 1, x + 1); ++i) {
          const auto other = static_cast<std::uint32_t>(j * side + i);
          if (other != cell && parent_[other] != kNowhere) visit(summit_of(other));
        }
      }
    };
    each_neighbour([&](std::uint32_t summit) {
      if (highest == kNowhere || is_higher(summit, highest)) highest = summit;
    });
    parent_[cell] = highest == kNowhere ? cell : highest;
    points_[parent_[cell]] += grid_.points[cell];
    each_neighbour([&](std::uint32_t summit) {
      if (summit == parent_[cell]) return;
      const bool is_low = grid_.density[summit] < least_rise * grid_.density[cell];
      if (!is_low && points_[summit] >= least_points_) return;
      points_[parent_[cell]] += points_[summit];
      parent_[summit] = parent_[cell];
    });
  }

  [[nodiscard]] bool is_higher(std::uint32_t a, std::uint32_t b) const {
    return std::pair(-grid_.density[a], a) < std::pair(-grid_.density[b], b);
  }

  const DensityGrid& grid_;
  float least_points_;
  std::vector<std::uint32_t> order_, parent_;
  std::vector<float> points_;  // of a summit: its hill's so far
};

}  // namespace

DensityHills density_hills(const DensityGrid& grid, std::size_t most, std::size_t least_points, double outside) {
  Flooding flooding(grid, least_points, outside);
  double low = std::log(kSmallestRise), high = std::log(kLargestRise);
  auto best = flooding.hills(kSmallestRise);
  if (best.count <= most) return best;
  best = flooding.hills(kLargestRise);
  for (int i = 0; i < kTries; ++i) {
    const double middle = (low + high) / 2;
    auto found = flooding.hills(std::exp(middle));
    if (found.count > most) {
      low = middle;
    } else {
      high = middle;
      best = std::move(found);
    }
  }
  return best;
}

}  // namespace llama::internal
