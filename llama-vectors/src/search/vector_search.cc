#include "llama-vectors/vector_search.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "search/best_rows.h"
#include "search/query_vectors.h"
#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama {
namespace internal {
namespace {

// What one thread has found.
class Searcher {
 public:
  Searcher(const VectorFile& file, const QueryVectors& queries, const SearchOptions& options)
      : queries_(&queries),
        rows_(options.rows),
        widener_(file.table().vectors().element, file.dimension(), file.provenance().int8_scales),
        is_bits_(file.table().vectors().element == VectorElement::Bits),
        best_(queries.count(), BestRows(options.k)),
        row_(widener_.length()),
        scores_(queries.count()) {}

  void look_at(const VectorBlock& block) {
    if (block.vectors < block.rows) count_missing(block);
    for (std::size_t i = 0; i < block.vectors; ++i) {
      const std::uint64_t row = block.first_row + block.row(i);
      if (rows_ != nullptr && !rows_->has[row]) continue;
      const std::byte* const vector = block.values + i * widener_.stride();
      if (is_bits_) {
        add_bits(row, vector);
      } else {
        add(row, vector);
      }
    }
  }

  void merge(Searcher& other) {
    for (std::size_t i = 0; i < best_.size(); ++i) best_[i].merge(other.best_[i]);
    counts_.searched += other.counts_.searched;
    counts_.nulls += other.counts_.nulls;
    counts_.other_lengths += other.counts_.other_lengths;
    counts_.non_finite += other.counts_.non_finite;
    counts_.zeros += other.counts_.zeros;
  }

  [[nodiscard]] SearchAnswer take() {
    for (BestRows& best : best_) counts_.hits.push_back(best.take());
    // Sums may miss 1 by their last bits.
    for (auto& hits : counts_.hits)
      for (SearchHit& hit : hits) hit.score = std::clamp(hit.score, -1.0, 1.0);
    return std::move(counts_);
  }

 private:
  // With a condition it is not known which of the block's rows without a vector it holds for, but by looking.
  void count_missing(const VectorBlock& block) {
    if (rows_ == nullptr) {
      counts_.nulls += block.nulls;
      counts_.other_lengths += block.other_lengths;
      return;
    }
    std::uint64_t wanted = 0, with_vector = 0;
    for (std::size_t i = 0; i < block.rows; ++i) wanted += rows_->has[block.first_row + i] ? 1 : 0;
    for (std::size_t i = 0; i < block.vectors; ++i) with_vector += rows_->has[block.first_row + block.row(i)] ? 1 : 0;
    (block.other_lengths > 0 ? counts_.other_lengths : counts_.nulls) += wanted - with_vector;
  }

  void add(std::uint64_t row, const std::byte* vector) {
    widener_.widen(vector, row_.data());
    const double squares =
        kernels_->products(row_.data(), queries_->values(), queries_->count(), row_.size(), scores_.data());
    if (!std::isfinite(squares)) {
      ++counts_.non_finite;
      return;
    }
    if (squares == 0.0) {
      ++counts_.zeros;
      return;
    }
    ++counts_.searched;
    const double length = std::sqrt(squares);
    for (std::size_t i = 0; i < scores_.size(); ++i) best_[i].add(row, scores_[i] / length);
  }

  void add_bits(std::uint64_t row, const std::byte* vector) {
    ++counts_.searched;
    for (std::size_t i = 0; i < best_.size(); ++i)
      best_[i].add(row, queries_->signed_sum(i, vector) * queries_->bits_scale());
  }

  const QueryVectors* queries_;
  const RowSet* rows_;
  VectorWidener widener_;
  bool is_bits_;
  const SimilarityKernels* kernels_ = &similarity_kernels();
  std::vector<BestRows> best_;
  std::vector<double> row_, scores_;
  SearchAnswer counts_;
};

}  // namespace
}  // namespace internal

Result<SearchAnswer> search_vectors(const VectorFile& file, std::span<const std::vector<float>> queries,
                                    const SearchOptions& options, const std::stop_token& stop) {
  if (file.dimension() == 0) {  // no row has a vector, of whatever length
    SearchAnswer none;
    none.hits.resize(queries.size());
    none.nulls = options.rows != nullptr ? options.rows->count : file.table().rows();
    return none;
  }
  const auto wide = internal::QueryVectors::make(file, queries);
  if (!wide) return std::unexpected(wide.error());
  const std::size_t workers = internal::team_size(options.threads, file.table().pieces());
  std::vector<internal::Searcher> searchers(workers, internal::Searcher(file, *wide, options));
  std::mutex mutex;
  std::uint64_t rows = 0;
  auto read = internal::read_pieces(file.table(), {}, workers, stop,
                                    [&](std::size_t worker, std::size_t, const VectorBlock& block) {
                                      searchers[worker].look_at(block);
                                      if (!options.on_progress) return;
                                      const std::scoped_lock lock(mutex);
                                      options.on_progress(rows += block.rows);
                                    });
  if (!read) return std::unexpected(read.error());
  for (std::size_t i = 1; i < workers; ++i) searchers.front().merge(searchers[i]);
  return searchers.front().take();
}

}  // namespace llama
