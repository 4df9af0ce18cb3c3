// What an index proposes for a query, and its scores as exact search has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "index/index_content.h"
#include "search/query_vectors.h"

namespace llama::internal {

struct CandidateSearch {
  std::size_t k = 0;
  std::size_t breadth = 0;
  const RowSet* rows = nullptr;
  std::uint64_t searched = 0;  // rows of the graph that `rows` holds
};

// Up to k rows, the nearest first, and those behind them whose distances differ by less than floats are sure of.
//
// Errors   those of NeighbourGraph.
[[nodiscard]] Result<std::vector<NeighbourGraph::Near>> find_candidates(const IndexContent& content,
                                                                        const QueryVectors& queries, std::size_t query,
                                                                        const CandidateSearch& search);

// candidates[i]: rows for query i, each once. Returns each one's cosine, in the same places.
//
// Errors   Corrupt: a row has no vector in the file; those of VectorReader.
[[nodiscard]] Result<std::vector<std::vector<double>>> score_candidates(
    const VectorFile& file, const QueryVectors& queries, std::span<const std::vector<std::uint32_t>> candidates,
    std::size_t workers, const std::stop_token& stop);

}  // namespace llama::internal
