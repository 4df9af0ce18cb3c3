#include <arrow/io/file.h>
#include <arrow/table.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <format>
#include <numeric>
#include <utility>

#include "read/arrow_error.h"
#include "read/arrow_file.h"
#include "read/input_files.h"

namespace llama::internal {
namespace {

constexpr std::int64_t kParquetBatchRows = 2048;
constexpr std::int64_t kPageBufferBytes = 1 << 20;

void add_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.column_index >= 0) leaves.push_back(field.column_index);
  for (const auto& child : field.children) add_leaves(child, leaves);
}

class ParquetFile : public ArrowFile {
 public:
  explicit ParquetFile(const std::string& path) : name_(std::format("file '{}'", path)) {}

  // Pages are read as they are needed: a row group may be the whole file.
  arrow::Status open(const std::string& path) {
    parquet::ReaderProperties properties = parquet::default_reader_properties();
    properties.enable_buffered_stream();
    properties.set_buffer_size(kPageBufferBytes);
    parquet::ArrowReaderProperties arrow_properties(false);
    arrow_properties.set_pre_buffer(false);
    arrow_properties.set_batch_size(kParquetBatchRows);
    arrow_properties.set_arrow_extensions_enabled(true);  // UUID, JSON
    // Spark's INT96 counts nanoseconds, but means microseconds: those of Arrow's nanoseconds are of 1677 to 2262, and
    // Spark itself reads them no more.
    arrow_properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::io::ReadableFile::Open(path));
    parquet::arrow::FileReaderBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Open(file, properties));
    ARROW_ASSIGN_OR_RAISE(reader_, builder.properties(arrow_properties)->Build());
    return reader_->GetSchema(&schema_);
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Result<std::uint64_t> count() override {
    return static_cast<std::uint64_t>(reader_->parquet_reader()->metadata()->num_rows());
  }

  Result<std::vector<std::uint64_t>> piece_rows() override {
    std::vector<std::uint64_t> rows;
    const auto metadata = reader_->parquet_reader()->metadata();
    for (int group = 0; group < metadata->num_row_groups(); ++group)
      rows.push_back(static_cast<std::uint64_t>(metadata->RowGroup(group)->num_rows()));
    return rows;
  }

  TableMetadata metadata() const override {
    TableMetadata found = table_metadata(reader_->parquet_reader()->metadata()->key_value_metadata().get());
    std::erase_if(found, [](const auto& pair) { return pair.first == "ARROW:schema"; });
    return found;
  }

  Result<void> select(const std::vector<int>& columns) override {
    std::vector<int> groups(static_cast<std::size_t>(reader_->num_row_groups()));
    std::ranges::iota(groups, 0);
    return select_groups(groups, columns);
  }

  Result<void> select_piece(std::size_t piece, const std::vector<int>& columns) override {
    return select_groups({static_cast<int>(piece)}, columns);
  }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    auto batch = batches_->Next();
    if (!batch.ok() && batch.status().message().contains("Expected all lists to be of size"))
      return fail(ErrorCode::InvalidArgument,
                  std::format("{} has a null among vectors of a fixed size, which Arrow cannot read; do not keep that "
                              "column, or have DuckDB make lists of them, by a query or in a new file: copy (from "
                              "'old.parquet') to 'new.parquet'",
                              name_));
    if (!batch.ok()) return arrow_read_failure(batch.status(), name_);
    return std::move(*batch);
  }

 private:
  Result<void> select_groups(const std::vector<int>& groups, const std::vector<int>& columns) {
    std::vector<int> leaves;
    for (const int column : columns)
      add_leaves(reader_->manifest().schema_fields[static_cast<std::size_t>(column)], leaves);
    auto batches = reader_->GetRecordBatchReader(groups, leaves);
    if (!batches.ok()) return arrow_read_failure(batches.status(), name_);
    batches_ = std::move(*batches);
    return {};
  }

  std::string name_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

}  // namespace

Result<std::unique_ptr<ArrowFile>> open_parquet_file(const std::string& path) {
  if (auto checked = check_is_file(path); !checked) return std::unexpected(checked.error());
  auto file = std::make_unique<ParquetFile>(path);
  if (const arrow::Status status = file->open(path); !status.ok())
    return arrow_read_failure(status, std::format("file '{}'", path));
  return file;
}

}  // namespace llama::internal
