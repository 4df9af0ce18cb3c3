// Move points such that rows which belong together come together, and others part.
//
// UMAP's stochastic gradient descent, arranged such that threads cannot change the result. The original takes one edge
// after the other and moves both of its ends, so that the order in which threads write decides. Here an epoch goes
// through blocks of rows. Every row of a block walks through its own edges, and through its random other rows, with
// its own place moving and all others where they were when the block began; the new places count when the whole block
// is done. The random numbers of a row depend on the seed, the epoch and the row. Since an edge stands at both of its
// ends, each end moves itself, twice per sample: once as the one that the original draws, once as the one drawn along.
//
// Source   McInnes, Healy, Melville (2018), algorithm 5; a and b are the fit of its section 3.2 for min_dist 0.1.
// Cost     epochs × edges × the mean weight × (2 attractions + 5 repulsions), in all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "llama-vectors/map_projection.h"
#include "map/fuzzy_graph.h"

namespace llama::internal {

// places: where the points begin, about 10 wide; not between -1 and 1 afterwards. False where it was stopped.
[[nodiscard]] bool lay_out(const FuzzyGraph& graph, std::vector<MapPlace>& places, const ProjectionOptions& options,
                           std::size_t epochs, const std::stop_token& stop);

}  // namespace llama::internal
