// Find rows near a query without looking at all of them: an index of a file's vectors, kept in a file of its own.
//
// A graph of the rows (HNSW), over their vectors of length 1 in float32. What the graph proposes is scored as
// search_vectors() scores, from the vectors as the file stores them: a row that is found has the same score, bit for
// bit, and equal scores come by row; but rows may be missed. How many are is measured: a sample of rows is asked for
// its 10 nearest others, exactly and of the index at several breadths. Rows without a vector or without a direction are
// left out and counted as search_vectors() counts them.
//
// Threads  immutable: any number at once.
// Source   Y. Malkov, D. Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
//          Navigable Small World graphs", IEEE TPAMI 42 (2020); the graph is hnswlib's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/vector_file.h"
#include "llama-vectors/vector_search.h"

namespace llama {

namespace internal {
struct IndexContent;
}

// Which share of the 10 best others is found, on the mean of the sample, where `breadth` candidates are kept on the
// way. A row with the score of the tenth counts as found whichever of the equal ones it is.
struct IndexRecall {
  std::size_t breadth = 0;
  double recall = 0;
  friend bool operator==(const IndexRecall&, const IndexRecall&) = default;
};

struct IndexBuildOptions {
  int threads = 0;                                      // 0: as many as the machine has
  std::uint64_t seed = 1;                               // of the graph's layers
  std::size_t links = 16;                               // of a row in one layer, twice as many in the lowest; 2 to 256
  std::size_t build_breadth = 200;                      // candidates looked at for a new row
  std::function<void(std::uint64_t rows)> on_rows;      // added so far; one at a time
  std::function<void(std::uint64_t rows)> on_measured;  // looked at for the sample; by any thread, one at a time
};

struct IndexSearchOptions {
  std::size_t k = 10;
  std::size_t breadth = 64;      // candidates kept on the way; grows with k above 16
  const RowSet* rows = nullptr;  // nothing: all rows
  int threads = 0;
};

class VectorIndex {
 public:
  // Reads the file once, and once more for the sample's exact answers.
  //
  // Errors   InvalidArgument: 2^31 rows or more, links out of range; OutOfMemory: told before it begins, with what is
  //          needed and what is free; Cancelled; those of VectorReader.
  // Memory   4 bytes for each dimension of a row, and about 250 for its links.
  // Cost     some hundred distances to other rows for each row; all threads.
  [[nodiscard]] static Result<VectorIndex> build(const VectorFile& file, const IndexBuildOptions& options,
                                                 const std::stop_token& stop = {});

  // From what save() has written. Nothing in it is believed before its digest is right, nor used before its links are
  // known to lead somewhere.
  //
  // Errors   NotFound; Io; Corrupt: damaged, cut short; InvalidArgument: no index, one of another version, of another
  //          file, or of what the file was before; OutOfMemory; Cancelled. The message says which, and names the index.
  [[nodiscard]] static Result<VectorIndex> load(const std::filesystem::path& path, const VectorFile& file, int threads,
                                                const std::stop_token& stop = {});

  // Writes it under another name, and puts it in place when it is whole. It may be read by who may read the file.
  //
  // Errors   Io, NoSpace; InvalidArgument: the file is not what it was built from any more; Cancelled. Nothing is left.
  [[nodiscard]] Result<void> save(const std::filesystem::path& path, const VectorFile& file, int threads,
                                  const std::stop_token& stop = {}) const;

  [[nodiscard]] std::uint64_t vectors() const;                    // that it holds
  [[nodiscard]] std::uint64_t sampled() const;                    // rows that were asked
  [[nodiscard]] const std::vector<IndexRecall>& recalls() const;  // by rising breadth; empty: fewer than two vectors
  // The narrowest of recalls(), but none below `narrowest`, that finds at least this share; else what finds most.
  // Requires  recalls() is not empty; narrowest <= 1024.
  [[nodiscard]] IndexRecall breadth_for(double recall, std::size_t narrowest = 1) const;

  // As search_vectors() answers, but for rows that are missed. There are k hits wherever there are k rows. Where it is
  // no more work than a walk through the graph (few rows, few that `rows` holds, a large k), every vector is looked at,
  // and nothing is missed.
  //
  // Errors   those of search_vectors(); Corrupt: the file no longer has a row's vector.
  // Memory   the vectors of the rows that are found.
  // Cost     for each query about breadth · 32 distances; the parts of the file are read that the found rows lie in.
  [[nodiscard]] Result<SearchAnswer> search(const VectorFile& file, std::span<const std::vector<float>> queries,
                                            const IndexSearchOptions& options, const std::stop_token& stop = {}) const;

 private:
  explicit VectorIndex(std::shared_ptr<const internal::IndexContent> content);
  std::shared_ptr<const internal::IndexContent> content_;
};

}  // namespace llama
