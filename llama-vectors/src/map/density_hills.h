// Cut a density into hills.
//
// Cells are taken from the most crowded one down. A cell beside none that was taken before is a new summit; beside one
// hill it belongs to that; where several hills meet in a cell, those that rise less than `least_rise` times above it,
// or have too few points, are merged with the highest of them. So a number of hills can be asked for: a larger rise
// leaves fewer, and the right one is found by halving.
//
// Cost   the sorting of the cells, and for each of 24 tries a pass over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "map/density_grid.h"

namespace llama::internal {

struct DensityHills {
  std::size_t count = 0;
  std::vector<std::uint16_t> hill_of;  // of each cell: 0 for none, else from 1
};

// At most `most` hills of at least `least_points` each. Cells that hold the last `outside` share of the points, in the
// emptiest places, are in none.
[[nodiscard]] DensityHills density_hills(const DensityGrid& grid, std::size_t most, std::size_t least_points,
                                         double outside);

}  // namespace llama::internal
