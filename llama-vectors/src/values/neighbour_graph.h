// A graph of places that finds those near another without looking at all of them: HNSW, by hnswlib.
//
// Only this file's source includes hnswlib, with its own loops and prefetching off: what it prefetches while a graph is
// built lies past the end of a full list (hnswlib 0.8), and the distance is one of our kernels.
//
// Errors   OutOfMemory; Internal: what hnswlib throws.
// Threads  add may be called from several; find from any number while nobody adds. A graph's shape depends on the
//          order of what was added, so one that is to be the same each time is filled by one thread.
// Cost     memory: a copy of the place, and about 140 bytes for a row's links.
// Source   Y. Malkov, D. Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
//          Navigable Small World graphs", IEEE TPAMI 42 (2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class NeighbourGraph {
 public:
  struct Options {
    std::size_t axes = 0;      // of a place
    std::size_t capacity = 0;  // rows
    std::uint64_t seed = 0;
    std::size_t links = 16;           // of a row in one layer; M
    std::size_t build_breadth = 120;  // candidates looked at for a new row; ef_construction
  };

  [[nodiscard]] static Result<NeighbourGraph> make(const Options& options);
  NeighbourGraph(NeighbourGraph&&) noexcept;
  NeighbourGraph& operator=(NeighbourGraph&&) noexcept;
  ~NeighbourGraph();

  [[nodiscard]] Result<void> add(std::uint32_t row, const float* place);

  // Candidates that a search looks at, at least: more find more of the true ones, and take longer.
  void set_search_breadth(std::size_t breadth);

  // Puts up to `count` rows near the place into `rows`, the farthest first. By the squared distance.
  [[nodiscard]] Result<void> find(const float* place, std::size_t count, std::vector<std::uint32_t>& rows) const;

 private:
  struct Graph;
  explicit NeighbourGraph(std::unique_ptr<Graph> graph);
  std::unique_ptr<Graph> graph_;
};

}  // namespace llama::internal
