#include "read/batch_view.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/c/bridge.h>

#include <algorithm>
#include <format>
#include <utility>

#include "read/arrow_error.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr const char* kBatchTable = "rows_of_the_input";
constexpr const char* kBatchStream = "stream_of_the_input";

struct ReleaseArrayStream {
  void operator()(ArrowArrayStream* stream) const noexcept {
    if (stream->release != nullptr) stream->release(stream);
    delete stream;
  }
};

}  // namespace

std::string batch_row_name(const arrow::Schema& schema, std::string_view condition) {
  const std::string said = in_small_letters(condition);
  std::string name = kBatchRow;
  const auto is_taken = [&] {
    return said.contains(name) || std::ranges::any_of(schema.fields(), [&](const auto& field) {
             return in_small_letters(field->name()) == name;
           });
  };
  while (is_taken()) name += '_';
  return name;
}

bool is_batch_row_name(std::string_view name) {
  return name.starts_with(kBatchRow) &&
         name.find_first_not_of('_', std::string_view(kBatchRow).size()) == std::string_view::npos;
}

// A table is made of it, and not a view alone: to a stream DuckDB hands down which columns and rows it wants, which a
// stream of C's knows nothing of, and takes what comes for an answer.
Result<void> show_batch(DuckDatabase& database, const arrow::RecordBatch& rows, const std::stop_token& stop,
                        const std::string& row_name) {
  arrow::Int64Builder numbers;
  arrow::Status status = numbers.Reserve(rows.num_rows());
  for (std::int64_t i = 0; status.ok() && i < rows.num_rows(); ++i) numbers.UnsafeAppend(i);
  std::shared_ptr<arrow::Array> array;
  if (status.ok()) status = numbers.Finish(&array);
  if (!status.ok()) return arrow_read_failure(status, "the input");
  auto numbered = rows.AddColumn(rows.num_columns(), row_name, array);
  if (!numbered.ok()) return arrow_read_failure(numbered.status(), "the input");
  auto reader = arrow::RecordBatchReader::Make({*numbered});
  if (!reader.ok()) return arrow_read_failure(reader.status(), "the input");
  const std::unique_ptr<ArrowArrayStream, ReleaseArrayStream> stream(new ArrowArrayStream{});
  status = arrow::ExportRecordBatchReader(*reader, stream.get());
  if (!status.ok()) return arrow_read_failure(status, "the input");
  const duckdb_state state =
      duckdb_arrow_scan(database.connection(), kBatchStream, reinterpret_cast<duckdb_arrow_stream>(stream.get()));
  if (state != DuckDBSuccess)
    return fail(ErrorCode::InvalidArgument, "DuckDB cannot read these columns; leave the condition out");
  return database.run(std::format("CREATE OR REPLACE TEMP TABLE {} AS SELECT * FROM {}", kBatchTable, kBatchStream),
                      stop);
}

Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ask_shown(DuckDatabase& database, const std::string& sql,
                                                                   const std::stop_token& stop) {
  const auto query = database.prepare(sql, stop);
  if (!query) return std::unexpected(query.error());
  std::vector<std::shared_ptr<arrow::RecordBatch>> answer;
  for (;;) {
    auto part = (*query)->next(stop);
    if (!part) return std::unexpected(part.error());
    if (*part == nullptr) return answer;
    answer.push_back(std::move(*part));
  }
}

Result<std::vector<std::int64_t>> rows_where(DuckDatabase& database, const arrow::RecordBatch& rows,
                                             const std::string& where, const std::stop_token& stop) {
  const std::string row = batch_row_name(*rows.schema(), where);
  if (auto shown = show_batch(database, rows, stop, row); !shown) return std::unexpected(shown.error());
  const auto answer = ask_shown(database, std::format("SELECT {} FROM {} WHERE ({}\n)", row, kBatchTable, where), stop);
  if (!answer) return std::unexpected(answer.error());
  std::vector<std::int64_t> fit;
  for (const auto& part : *answer) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(*part->column(0));
    fit.insert(fit.end(), numbers.raw_values(), numbers.raw_values() + numbers.length());
  }
  return fit;
}

bool is_known_to_duckdb(const DuckDatabase& database, const arrow::Field& field) {
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

}  // namespace llama::internal
