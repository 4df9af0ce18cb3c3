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

Result<std::shared_ptr<arrow::RecordBatch>> PickedRowsSource::read(const std::vector<std::uint64_t>& sorted,
                                                                   const std::stop_token& stop) {
  arrow::RecordBatchVector found;
  for (std::size_t i = 0; i < sorted.size();) {
    const std::size_t piece = table_->piece_of(sorted[i]);
    if (auto started = reader_->start(piece); !started) return std::unexpected(started.error());
    std::uint64_t first = table_->piece(piece).first_row;
    const std::uint64_t after = first + table_->piece(piece).rows;
    while (i < sorted.size() && sorted[i] < after) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
      const auto batch = reader_->next();
      if (!batch) return std::unexpected(batch.error());
      if (*batch == nullptr)
        return fail(ErrorCode::InvalidText, std::format("file '{}' has fewer rows than it had",
                                                        table_->files()[table_->piece(piece).file].path));
      std::vector<std::int64_t> rows;
      const auto length = static_cast<std::uint64_t>((*batch)->num_rows());
      for (; i < sorted.size() && sorted[i] < first + length; ++i)
        rows.push_back(static_cast<std::int64_t>(sorted[i] - first));
      first += length;
      if (rows.empty()) continue;
      auto taken = take_rows(**batch, rows);
      if (!taken.ok()) return arrow_read_failure(taken.status(), "the table");
      found.push_back(std::move(*taken));
    }
  }
  if (found.size() == 1) return found.front();
  auto all = arrow::ConcatenateRecordBatches(found);
  if (!all.ok()) return arrow_read_failure(all.status(), "the table");
  return std::move(*all);
}

}  // namespace llama::internal
