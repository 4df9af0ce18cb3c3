#include "read/filtered_source.h"

#include <arrow/array.h>

#include <numeric>
#include <utility>

#include "read/arrow_error.h"
#include "read/batch_view.h"
#include "read/query_check.h"
#include "read/sql_text.h"
#include "take_rows.h"

namespace llama::internal {
FilteredSource::FilteredSource(std::unique_ptr<BatchSource> source, std::unique_ptr<DuckDatabase> database)
    : source_(std::move(source)), database_(std::move(database)) {}

Result<void> FilteredSource::start(const Selection& selection, const std::stop_token& stop) {
  where_ = selection.where;
  columns_ = selection.columns;
  if (auto checked = check_where(*database_, where_, stop); !checked) return checked;

  Selection all;
  all.columns.resize(static_cast<std::size_t>(schema()->num_fields()));
  std::ranges::iota(all.columns, 0);
  for (const int column : all.columns)
    if (is_known_to_duckdb(*database_, *schema()->field(column))) known_.push_back(column);
  if (auto started = source_->start(all, stop); !started) return started;

  // An error of the condition's is told now, and not after the first rows were read.
  auto none = arrow::RecordBatch::MakeEmpty(schema());
  if (!none.ok()) return arrow_read_failure(none.status(), "the input");
  auto shown = (*none)->SelectColumns(known_);
  if (!shown.ok()) return arrow_read_failure(shown.status(), "the input");
  if (auto tried = rows_where(*database_, **shown, where_, stop); !tried) return std::unexpected(tried.error());
  return {};
}

Result<TableBatch> FilteredSource::next(const std::stop_token& stop) {
  auto batch = source_->next(stop);
  if (!batch || batch->rows == nullptr || batch->rows->num_rows() == 0) return batch;
  auto shown = batch->rows->SelectColumns(known_);
  if (!shown.ok()) return arrow_read_failure(shown.status(), "the input");
  const auto fit = rows_where(*database_, **shown, where_, stop);
  if (!fit) return std::unexpected(fit.error());
  if (!batch->numbers.empty()) {
    std::vector<std::uint64_t> numbers;
    for (const std::int64_t row : *fit) numbers.push_back(batch->numbers[static_cast<std::size_t>(row)]);
    batch->numbers = std::move(numbers);
  }
  auto selected = batch->rows->SelectColumns(columns_);
  if (!selected.ok()) return arrow_read_failure(selected.status(), "the input");
  batch->rows = *selected;
  if (static_cast<std::int64_t>(fit->size()) == batch->rows->num_rows()) return batch;
  auto taken = take_rows(*batch->rows, *fit);
  if (!taken.ok()) return arrow_read_failure(taken.status(), "the input");
  batch->rows = std::move(*taken);
  return batch;
}

}  // namespace llama::internal
