// What an index consists of, in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/file_identity.h"
#include "llama-vectors/vector_index.h"
#include "values/neighbour_graph.h"

namespace llama::internal {

inline constexpr std::size_t kMaxLinks = 256;
// At which recall is measured.
inline constexpr std::array<std::size_t, 7> kBreadths = {16, 32, 64, 128, 256, 512, 1024};

// As it is written down.
enum class IndexedRow : std::uint8_t { Held, Null, OtherLength, NonFinite, Zeros };

struct IndexContent {
  FileIdentity identity;
  NeighbourGraph::Options shape;  // capacity: rows of the graph
  NeighbourGraph graph;
  std::vector<IndexedRow> rows;  // of the file
  // Of the rows that are left out. The blocks of a file say how many are null: rows do not, where both kinds are mixed.
  std::uint64_t nulls = 0, other_lengths = 0, non_finite = 0, zeros = 0;
  std::vector<IndexRecall> recalls;
  std::uint64_t sampled = 0;
};

}  // namespace llama::internal
