#include "values/row_vectors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "values/piece_team.h"
#include "values/vector_widener.h"

namespace llama::internal {
namespace {

// The wanted rows of one piece: from begin to end of all.
struct WantedOfPiece {
  std::size_t piece, begin, end;
};

std::vector<WantedOfPiece> group_by_piece(const VectorTable& table, std::span<const std::uint64_t> rows) {
  std::vector<WantedOfPiece> groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t piece = table.piece_of(rows[i]);
    if (groups.empty() || groups.back().piece != piece) groups.push_back({piece, i, i});
    groups.back().end = i + 1;
  }
  return groups;
}

}  // namespace

// Blocks come in the rows' order and so do the wanted rows: both are walked along side by side.
Result<RowVectors> RowVectors::read(const VectorFile& file, std::span<const std::uint64_t> rows, std::size_t workers,
                                    const std::stop_token& stop) {
  const VectorTable& table = file.table();
  RowVectors made;
  made.stride_ = vector_bytes(table.vectors().element, file.dimension());
  made.has_.resize(rows.size());
  made.bytes_.resize(rows.size() * made.stride_);
  const std::vector<WantedOfPiece> groups = group_by_piece(table, rows);
  std::vector<std::unique_ptr<VectorReader>> readers(workers);
  std::vector<Result<void>> outcomes(groups.size());
  const auto read_piece = [&](std::size_t worker, const WantedOfPiece& wanted) -> Result<void> {
    if (!readers[worker]) {
      auto reader = table.reader({});
      if (!reader) return std::unexpected(reader.error());
      readers[worker] = std::move(*reader);
    }
    if (auto started = readers[worker]->start(wanted.piece); !started) return started;
    for (std::size_t at = wanted.begin; at < wanted.end;) {
      const auto block = readers[worker]->next(stop);
      if (!block) return std::unexpected(block.error());
      if (!*block) return fail(ErrorCode::InvalidText, "the table has fewer rows than it had");
      const VectorBlock& b = **block;
      for (std::size_t i = 0; at < wanted.end && rows[at] < b.first_row + b.rows; ++at) {
        while (i < b.vectors && b.first_row + b.row(i) < rows[at]) ++i;
        if (i == b.vectors || b.first_row + b.row(i) != rows[at]) continue;
        std::memcpy(made.bytes_.data() + at * made.stride_, b.values + i * made.stride_, made.stride_);
        made.has_[at] = 1;
      }
    }
    return {};
  };
  auto shared = share_work(groups.size(), workers, stop,
                           [&](std::size_t worker, std::size_t i) { outcomes[i] = read_piece(worker, groups[i]); });
  for (const Result<void>& outcome : outcomes)
    if (!outcome) return std::unexpected(outcome.error());
  if (!shared) return std::unexpected(shared.error());
  return made;
}

UnitVectors::UnitVectors(std::size_t count, std::size_t dimension)
    : length_(padded(dimension)), has_(count), values_(count * length_) {}

UnitVectors UnitVectors::of(const VectorFile& file, const RowVectors& rows) {
  const auto dimension = std::max(file.dimension(), 1);
  const VectorWidener widener(file.table().vectors().element, dimension, file.provenance().int8_scales);
  UnitVectors made(rows.size(), static_cast<std::size_t>(dimension));
  std::vector<double> wide(widener.length());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.vector(i) == nullptr) continue;
    widener.widen(rows.vector(i), wide.data());
    made.set(i, wide.data());
  }
  return made;
}

bool UnitVectors::set(std::size_t i, const double* values) {
  double squares = 0;
  similarity_kernels().products(values, values, 1, length_, &squares);
  const bool has_direction = std::isfinite(squares) && squares > 0;
  has_[i] = has_direction ? 1 : 0;
  if (!has_direction) return false;
  const double length = std::sqrt(squares);
  std::transform(values, values + length_, values_.begin() + static_cast<std::ptrdiff_t>(i * length_),
                 [length](double value) { return value / length; });
  return true;
}

bool UnitVectors::set(std::size_t i, std::span<const float> values) {
  std::vector<double> wide(length_);
  std::ranges::copy(values.first(std::min(values.size(), length_)), wide.begin());
  return set(i, wide.data());
}

}  // namespace llama::internal
