// Count a map's points in cells and smooth the counts: how crowded it is where.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "llama-vectors/map_projection.h"

namespace llama::internal {

struct DensityGrid {
  std::size_t side = 0;        // cells in each direction
  std::vector<float> points;   // of each cell, row by row
  std::vector<float> density;  // smoothed
  [[nodiscard]] std::size_t cell_of(MapPlace place) const;
  [[nodiscard]] MapPlace middle_of(std::size_t cell) const;
};

// The Gaussian's width shrinks with the sixth root of the number of points, as it does for the best estimate of a
// density on a plane.
// Source   D. Scott, "Multivariate Density Estimation" (1992), 6.3.
[[nodiscard]] DensityGrid density_grid(std::span<const MapPlace> places);

}  // namespace llama::internal
