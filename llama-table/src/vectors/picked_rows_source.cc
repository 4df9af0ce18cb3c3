#include "vectors/picked_rows_source.h"

#include <arrow/table.h>

#include <algorithm>

#include "read/arrow_error.h"
#include "take_rows.h"

namespace llama::internal {
namespace {

constexpr std::size_t kRowsTogether = 1024;

}  // namespace

Result<void> PickedRowsSource::start(const Selection& selection, const std::stop_token&) {
  reader_ = std::make_unique<PieceReader>(table_, selection.columns);
  return {};
}

// Rows are read once, piece after piece, and then brought into the order asked for. Cost: of each piece the batches up
// to the last row that is wanted.
Result<TableBatch> PickedRowsSource::next(const std::stop_token& stop) {
  TableBatch made;
  const std::size_t end = std::min(at_ + kRowsTogether, rows_.size());
  made.numbers.assign(rows_.begin() + static_cast<std::ptrdiff_t>(at_),
                      rows_.begin() + static_cast<std::ptrdiff_t>(end));
  at_ = end;
  made.state = at_ == rows_.size() ? RowState::End : RowState::More;
  if (made.numbers.empty()) return made;
  std::vector<std::uint64_t> sorted = made.numbers;
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  auto rows = read(sorted, stop);
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::int64_t> order;
  for (const std::uint64_t row : made.numbers) order.push_back(std::ranges::lower_bound(sorted, row) - sorted.begin());
  auto ordered = take_rows(**rows, order);
  if (!ordered.ok()) return arrow_read_failure(ordered.status(), "the table");
  made.rows = std::move(*ordered);
  return made;
}

// To the batch with this row: onwards from where the reader is, where it is in the row's piece and not beyond it. So
// rows that rise are read once, however many there are.
Result<void> PickedRowsSource::go_to(std::uint64_t row) {
  const std::size_t piece = table_->piece_of(row);
  if (piece_ != piece || row < first_) {
    piece_.reset();
    batch_.reset();
    if (auto started = reader_->start(piece); !started) return started;
    piece_ = piece;
    first_ = table_->piece(piece).first_row;
  }
  const auto length = [&] { return batch_ == nullptr ? 0 : static_cast<std::uint64_t>(batch_->num_rows()); };
  while (row >= first_ + length()) {
    first_ += length();
    auto batch = reader_->next();
    if (batch && *batch == nullptr) {
      batch = fail(ErrorCode::InvalidText, std::format("file '{}' has fewer rows than it had",
                                                       table_->files()[table_->piece(piece).file].path));
    }
    if (!batch) {
      piece_.reset();
      return std::unexpected(batch.error());
    }
    batch_ = std::move(*batch);
  }
  return {};
}

Result<std::shared_ptr<arrow::RecordBatch>> PickedRowsSource::read(const std::vector<std::uint64_t>& sorted,
                                                                   const std::stop_token& stop) {
  arrow::RecordBatchVector found;
  for (std::size_t i = 0; i < sorted.size();) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    if (auto there = go_to(sorted[i]); !there) return std::unexpected(there.error());
    std::vector<std::int64_t> rows;
    const std::uint64_t after = first_ + static_cast<std::uint64_t>(batch_->num_rows());
    for (; i < sorted.size() && sorted[i] < after; ++i) rows.push_back(static_cast<std::int64_t>(sorted[i] - first_));
    auto taken = take_rows(*batch_, rows);
    if (!taken.ok()) return arrow_read_failure(taken.status(), "the table");
    found.push_back(std::move(*taken));
  }
  if (found.size() == 1) return found.front();
  auto all = arrow::ConcatenateRecordBatches(found);
  if (!all.ok()) return arrow_read_failure(all.status(), "the table");
  return std::move(*all);
}

}  // namespace llama::internal
