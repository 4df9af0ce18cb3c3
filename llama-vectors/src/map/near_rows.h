// Find for each row the rows that are nearest to it.
//
// Candidates are the nearest by few coordinates: exactly up to some thousand rows, by a NeighbourGraph above.
// They are then ranked by the cosine of the whole vectors. The graph is built by one thread, since its shape depends
// on the order of insertions; the search in it has all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "llama-vectors/map_projection.h"
#include "map/principal_axes.h"

namespace llama::internal {

struct RowNeighbours {
  std::size_t each = 0;
  std::vector<std::uint32_t> rows;  // rows × each, the most similar first, never the row itself
  std::vector<float> similarities;  // cosines
};

inline constexpr std::size_t kExactRows = 8192;

// Requires  each < rows. Empty where it was stopped.
// Errors    OutOfMemory, Internal: the index.
[[nodiscard]] Result<RowNeighbours> find_near_rows(const VectorMatrix& vectors, const std::vector<float>& scales,
                                                   const Coordinates& coordinates, std::size_t each,
                                                   const ProjectionOptions& options, const std::stop_token& stop);

}  // namespace llama::internal
