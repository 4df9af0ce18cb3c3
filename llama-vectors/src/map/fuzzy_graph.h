// Make of the nearest rows a graph whose edges say how likely two rows belong together.
//
// Each row has a scale of its own: its nearest neighbour has weight 1, and the weights of all add up to log2 of their
// number. An edge that two rows see differently gets a + b - ab.
//
// Source   McInnes, Healy, Melville (2018), algorithms 2 and 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "map/near_rows.h"

namespace llama::internal {

// Each edge stands at both of its ends.
struct FuzzyGraph {
  std::vector<std::size_t> starts;  // rows + 1: the edges of row i are starts[i] to starts[i + 1]
  std::vector<std::uint32_t> ends;
  std::vector<float> weights;  // above 0, at most 1
};

// Pure.
// Cost     rows × each × log(each).
[[nodiscard]] FuzzyGraph fuzzy_graph(const RowNeighbours& near);

}  // namespace llama::internal
