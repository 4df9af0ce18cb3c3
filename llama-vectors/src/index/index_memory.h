// Refuse an index that does not fit into memory, before any of it is made.
#pragma once

#include <cstddef>

#include "llama-base/error.h"
#include "values/neighbour_graph.h"

namespace llama::internal {

// Errors   OutOfMemory: says how much is needed and how much is free.
[[nodiscard]] Result<void> check_index_memory(const NeighbourGraph::Options& shape, std::size_t workers);

}  // namespace llama::internal
