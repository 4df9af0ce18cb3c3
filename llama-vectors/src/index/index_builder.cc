#include <algorithm>
#include <cmath>
#include <format>
#include <thread>
#include <utility>

#include "index/index_content.h"
#include "index/index_memory.h"
#include "index/index_recall.h"
#include "llama-vectors/vector_index.h"
#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama {
namespace internal {
namespace {

constexpr std::uint64_t kMaxIndexedRows = (1ULL << 31) - 1;  // hnswlib counts in int

// Takes blocks as they are read, by one thread, and has all threads add their rows: to read is little work beside.
class IndexBuilder {
 public:
  IndexBuilder(const VectorFile& file, IndexContent& content, const IndexBuildOptions& options, std::size_t workers,
               const std::stop_token& stop)
      : widener_(file.table().vectors().element, file.dimension(), file.provenance().int8_scales),
        is_bits_(file.table().vectors().element == VectorElement::Bits),
        content_(content),
        options_(options),
        workers_(workers),
        stop_(stop),
        wide_(widener_.length()) {}

  Result<void> add(const VectorBlock& block) {
    note_missing(block);
    numbers_.clear();
    places_.clear();
    for (std::size_t i = 0; i < block.vectors; ++i) {
      const std::uint64_t row = block.first_row + block.row(i);
      content_.rows[row] = take(block.values + i * widener_.stride());
      if (content_.rows[row] != IndexedRow::Held) continue;
      numbers_.push_back(static_cast<std::uint32_t>(row));
    }
    auto added = content_.graph.add_rows(numbers_, places_.data(), workers_, stop_);
    if (added && options_.on_rows) options_.on_rows(done_ += block.rows);
    return added;
  }

 private:
  void note_missing(const VectorBlock& block) {
    content_.nulls += block.nulls;
    content_.other_lengths += block.other_lengths;
    const auto begin = content_.rows.begin() + static_cast<std::ptrdiff_t>(block.first_row);
    std::fill_n(begin, block.rows, block.other_lengths > 0 ? IndexedRow::OtherLength : IndexedRow::Null);
  }

  // Puts the vector, of length 1, behind places_.
  IndexedRow take(const std::byte* vector) {
    widener_.widen(vector, wide_.data());
    const double squares = kernels_->products(wide_.data(), nullptr, 0, wide_.size(), nullptr);
    if (!std::isfinite(squares)) {
      ++content_.non_finite;
      return IndexedRow::NonFinite;
    }
    if (squares == 0.0 && !is_bits_) {
      ++content_.zeros;
      return IndexedRow::Zeros;
    }
    const double length = std::sqrt(squares);
    for (std::size_t i = 0; i < widener_.dimension(); ++i) places_.push_back(static_cast<float>(wide_[i] / length));
    return IndexedRow::Held;
  }

  VectorWidener widener_;
  bool is_bits_;
  IndexContent& content_;
  const IndexBuildOptions& options_;
  std::size_t workers_;
  const std::stop_token& stop_;
  const SimilarityKernels* kernels_ = &similarity_kernels();
  std::vector<double> wide_;
  std::vector<std::uint32_t> numbers_;
  std::vector<float> places_;
  std::uint64_t done_ = 0;
};

Result<void> check_build(const VectorFile& file, const IndexBuildOptions& options) {
  if (options.links < 2 || options.links > kMaxLinks)
    return fail(ErrorCode::InvalidArgument, std::format("an index has 2 to {} links of a row", kMaxLinks));
  if (file.table().rows() > kMaxIndexedRows)
    return fail(ErrorCode::InvalidArgument,
                std::format("an index holds {} rows at most, and there are {}", kMaxIndexedRows, file.table().rows()));
  return {};
}

}  // namespace
}  // namespace internal

Result<VectorIndex> VectorIndex::build(const VectorFile& file, const IndexBuildOptions& options,
                                       const std::stop_token& stop) {
  using internal::IndexContent;
  if (auto checked = internal::check_build(file, options); !checked) return std::unexpected(checked.error());
  auto identity = internal::FileIdentity::of(file);
  if (!identity) return std::unexpected(identity.error());
  const auto rows = static_cast<std::size_t>(file.table().rows());
  const std::size_t workers = internal::team_size(options.threads, rows);
  // Of a column without a vector the dimension is 0.
  const internal::NeighbourGraph::Options shape{.axes = static_cast<std::size_t>(std::max(file.dimension(), 1)),
                                                .capacity = rows,
                                                .seed = options.seed,
                                                .links = options.links,
                                                .build_breadth = options.build_breadth};
  if (auto checked = internal::check_index_memory(shape, workers); !checked) return std::unexpected(checked.error());
  auto graph = internal::NeighbourGraph::make(shape);
  if (!graph) return std::unexpected(graph.error());
  auto content = std::make_shared<IndexContent>(IndexContent{.identity = std::move(*identity),
                                                             .shape = shape,
                                                             .graph = std::move(*graph),
                                                             .rows = std::vector<internal::IndexedRow>(rows),
                                                             .recalls = {}});
  if (file.dimension() > 0) {
    internal::IndexBuilder builder(file, *content, options, workers, stop);
    Result<void> added;
    std::stop_source failed;
    const std::stop_callback forward(stop, [&failed] { failed.request_stop(); });
    auto read = internal::read_pieces(file.table(), {}, 1, failed.get_token(),
                                      [&](std::size_t, std::size_t, const VectorBlock& block) {
                                        if (added) added = builder.add(block);
                                        if (!added) failed.request_stop();
                                      });
    if (!added) return std::unexpected(added.error());
    if (!read) return std::unexpected(read.error());
  } else {
    content->rows.assign(rows, internal::IndexedRow::Null);
    content->nulls = rows;
  }
  content->shape.capacity = content->graph.size();
  if (auto measured = internal::measure_index(file, *content, options, stop); !measured)
    return std::unexpected(measured.error());
  return VectorIndex(std::move(content));
}

}  // namespace llama
