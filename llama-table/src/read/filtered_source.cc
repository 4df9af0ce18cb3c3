#include "read/filtered_source.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/c/bridge.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <format>
#include <numeric>
#include <utility>

#include "read/arrow_error.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr const char* kBatchView = "rows_of_the_input";
constexpr const char* kBatchRow = "row_of_the_batch";

struct ReleaseStream {
  void operator()(ArrowArrayStream* stream) const noexcept {
    if (stream->release != nullptr) stream->release(stream);
    delete stream;
  }
};
using SharedStream = std::unique_ptr<ArrowArrayStream, ReleaseStream>;

// The batch with its row numbers as a stream that DuckDB reads once.
Result<SharedStream> stream_of(const arrow::RecordBatch& rows) {
  arrow::Int64Builder numbers;
  arrow::Status status = numbers.Reserve(rows.num_rows());
  for (std::int64_t i = 0; status.ok() && i < rows.num_rows(); ++i) numbers.UnsafeAppend(i);
  std::shared_ptr<arrow::Array> array;
  if (status.ok()) status = numbers.Finish(&array);
  if (!status.ok()) return arrow_read_failure(status, "the input");
  auto numbered = rows.AddColumn(rows.num_columns(), kBatchRow, array);
  if (!numbered.ok()) return arrow_read_failure(numbered.status(), "the input");
  auto reader = arrow::RecordBatchReader::Make({*numbered});
  if (!reader.ok()) return arrow_read_failure(reader.status(), "the input");
  SharedStream stream(new ArrowArrayStream{});
  status = arrow::ExportRecordBatchReader(*reader, stream.get());
  if (!status.ok()) return arrow_read_failure(status, "the input");
  return stream;
}

bool is_known_to_duckdb(const Database& database, const arrow::Field& field) {
  ArrowSchema c_schema{};
  if (!arrow::ExportSchema(*arrow::schema({field.Copy()}), &c_schema).ok()) return false;
  duckdb_arrow_converted_schema converted = nullptr;
  duckdb_error_data error = duckdb_schema_from_arrow(database.connection(), &c_schema, &converted);
  const bool is_known = error == nullptr || !duckdb_error_data_has_error(error);
  if (error != nullptr) duckdb_destroy_error_data(&error);
  if (converted != nullptr) duckdb_destroy_arrow_converted_schema(&converted);
  if (c_schema.release != nullptr) c_schema.release(&c_schema);
  return is_known;
}

}  // namespace

FilteredSource::FilteredSource(std::unique_ptr<BatchSource> source, std::unique_ptr<Database> database)
    : source_(std::move(source)), database_(std::move(database)) {}

// The rows for which the condition holds, rising.
Result<std::vector<std::int64_t>> FilteredSource::fitting(const arrow::RecordBatch& rows, const std::stop_token& stop) {
  auto stream = stream_of(rows);
  if (!stream) return std::unexpected(stream.error());
  if (duckdb_arrow_scan(database_->connection(), kBatchView, reinterpret_cast<duckdb_arrow_stream>(stream->get())) !=
      DuckDBSuccess)
    return fail(ErrorCode::InvalidArgument, "DuckDB cannot read these columns; leave the condition out");
  auto query = database_->prepare(std::format("SELECT {} FROM {} WHERE ({}\n)", kBatchRow, kBatchView, where_), stop);
  if (!query) return std::unexpected(query.error());
  std::vector<std::int64_t> fit;
  for (;;) {
    auto found = (*query)->next(stop);
    if (!found) return std::unexpected(found.error());
    if (*found == nullptr) return fit;
    const auto& numbers = static_cast<const arrow::Int64Array&>(*(*found)->column(0));
    fit.insert(fit.end(), numbers.raw_values(), numbers.raw_values() + numbers.length());
  }
}

Result<void> FilteredSource::start(const Selection& selection, const std::stop_token& stop) {
  where_ = selection.where;
  columns_ = selection.columns;
  if (auto checked = check_condition(where_); !checked) return checked;

  Selection all;
  all.columns.resize(static_cast<std::size_t>(schema()->num_fields()));
  std::iota(all.columns.begin(), all.columns.end(), 0);
  for (const int column : all.columns)
    if (is_known_to_duckdb(*database_, *schema()->field(column))) known_.push_back(column);
  if (auto started = source_->start(all, stop); !started) return started;

  // An error of the condition's is told now, and not after the first rows were read.
  auto none = arrow::RecordBatch::MakeEmpty(schema());
  if (!none.ok()) return arrow_read_failure(none.status(), "the input");
  auto shown = (*none)->SelectColumns(known_);
  if (!shown.ok()) return arrow_read_failure(shown.status(), "the input");
  if (auto tried = fitting(**shown, stop); !tried) return std::unexpected(tried.error());
  return {};
}

Result<TableBatch> FilteredSource::next(const std::stop_token& stop) {
  auto batch = source_->next(stop);
  if (!batch || batch->rows == nullptr || batch->rows->num_rows() == 0) return batch;
  auto shown = batch->rows->SelectColumns(known_);
  if (!shown.ok()) return arrow_read_failure(shown.status(), "the input");
  const auto fit = fitting(**shown, stop);
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
  arrow::Int64Builder wanted;
  std::shared_ptr<arrow::Array> indexes;
  arrow::Status status = wanted.AppendValues(*fit);
  if (status.ok()) status = wanted.Finish(&indexes);
  if (!status.ok()) return arrow_read_failure(status, "the input");
  auto taken = arrow::compute::Take(arrow::Datum(batch->rows), arrow::Datum(indexes),
                                    arrow::compute::TakeOptions::NoBoundsCheck());
  if (!taken.ok()) return arrow_read_failure(taken.status(), "the input");
  batch->rows = taken->record_batch();
  return batch;
}

}  // namespace llama::internal
