// A graph of places that finds those near another without looking at all of them: HNSW, by hnswlib.
//
// Only this file's source includes hnswlib, with its own loops and prefetching off: what it prefetches while a graph is
// built lies past the end of a full list (hnswlib 0.8), and the distance is one of our kernels.
//
// Errors   OutOfMemory; Internal: what hnswlib throws.
// Threads  find, find_among and scan from any number while nobody adds. A graph's shape depends on the order of what
//          was added, so one that is to be the same each time is filled by one thread.
// Cost     memory: a copy of the place, and about 140 bytes for a row's links.
// Source   Y. Malkov, D. Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
//          Navigable Small World graphs", IEEE TPAMI 42 (2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
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

  // Adds rows by several threads; places: one after the other. A graph is filled by this or by add(), not by both.
  // Errors   Cancelled.
  [[nodiscard]] Result<void> add_rows(std::span<const std::uint32_t> rows, const float* places, std::size_t workers,
                                      const std::stop_token& stop);

  // Candidates that a search looks at, at least: more find more of the true ones, and take longer.
  void set_search_breadth(std::size_t breadth);

  // Puts up to `count` rows near the place into `rows`, the farthest first. By the squared distance.
  [[nodiscard]] Result<void> find(const float* place, std::size_t count, std::vector<std::uint32_t>& rows) const;

  struct Near {
    float distance;  // squared
    std::uint32_t row;
    friend auto operator<=>(const Near&, const Near&) = default;
  };
  // allowed: of each row number; nullptr: all. Both put up to `count` rows into `found`, the nearest first, equal ones
  // by row. find_among() walks through the graph, also through rows that are not allowed; it may miss some, and where
  // few are allowed it looks at most of the graph. scan() looks at each allowed row, and misses none.
  [[nodiscard]] Result<void> find_among(const float* place, std::size_t count, const std::vector<bool>* allowed,
                                        std::vector<Near>& found) const;
  void scan(const float* place, std::size_t count, const std::vector<bool>* allowed, std::vector<Near>& found) const;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::vector<std::uint32_t> rows() const;  // in the order in which they were added
  // Bytes of memory that a graph takes which `workers` threads fill.
  [[nodiscard]] static std::uint64_t memory_bytes(const Options& options, std::size_t workers);

  // What a graph consists of, to be written down: in the order of rows().
  [[nodiscard]] std::vector<std::uint8_t> levels() const;    // highest layer of each
  [[nodiscard]] std::span<const std::byte> ground() const;   // of each the links of the lowest layer, place and number
  [[nodiscard]] std::vector<std::byte> upper_links() const;  // of each the links of the layers above
  [[nodiscard]] static std::size_t ground_bytes(const Options& options);  // of one row
  [[nodiscard]] static std::size_t upper_bytes(const Options& options);   // of one row in one layer
  // Puts one together, to search in: capacity rows, all of them there. read_ground fills what it is given.
  // Errors   Corrupt: a link that leads nowhere, a number that is not below row_limit or comes twice.
  [[nodiscard]] static Result<NeighbourGraph> restore(
      const Options& options, std::span<const std::uint8_t> levels, std::span<const std::byte> upper_links,
      const std::function<Result<void>(std::span<std::byte>)>& read_ground, std::uint64_t row_limit);

 private:
  struct Graph;
  explicit NeighbourGraph(std::unique_ptr<Graph> graph);
  std::unique_ptr<Graph> graph_;
};

}  // namespace llama::internal
