#include "table_writer.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <limits>
#include <optional>

#include "../kept_schema.h"
#include "computed_columns.h"
#include "kept_columns.h"
#include "output_file.h"
#include "output_place.h"
#include "output_schema.h"

namespace llama {
namespace internal {
namespace {

constexpr std::uint64_t kGroupBytes = 64 << 20;
constexpr std::uint64_t kMinGroupBytes = 1 << 20;
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

// When the rows that wait are written: so many, or of so many bytes.
struct Waiting {
  std::uint64_t rows = 0, bytes = 0;
};

// Rows whose values a reader can count: of a file, and of a batch in a stream.
std::uint64_t countable_rows(const TableOutput& output, const std::vector<ColumnSpec>& columns) {
  std::uint64_t rows = kUnlimited;
  for (const ColumnSpec& spec : columns) {
    if (spec.type == ColumnType::Vector && output.max_elements)
      rows = std::min(rows, *output.max_elements / static_cast<std::uint64_t>(list_length(spec)));
  }
  return rows;
}

Waiting max_waiting(const TableOutput& output, const std::vector<ColumnSpec>& columns, std::uint64_t group_bytes) {
  switch (output.format) {
    case OutputFormat::Parquet:
      return {1'000, std::min<std::uint64_t>(8 << 20, group_bytes)};
    case OutputFormat::ArrowFile:
      return {static_cast<std::uint64_t>(output.row_group_rows), group_bytes};
    case OutputFormat::ArrowStream:
      break;  // each write() is one batch, unless it is that large
  }
  return {countable_rows(output, columns), kUnlimited};
}

// A part is as large as it was measured when its last row group ended: eighths of it are measured.
std::uint64_t group_bytes_of(const TableOutput& output) {
  if (!output.split_bytes) return kGroupBytes;
  return std::clamp(*output.split_bytes / 8, kMinGroupBytes, kGroupBytes);
}

class TableWriter final : public RowWriter {
 public:
  TableWriter(TableOutput output, OutputSchema schema, const std::shared_ptr<arrow::Schema>& kept,
              const std::vector<ColumnSpec>& columns, int descriptor)
      : output_(std::move(output)),
        schema_(std::move(schema)),
        group_bytes_(group_bytes_of(output_)),
        max_waiting_(max_waiting(output_, columns, group_bytes_)),
        max_rows_(max_rows_of_file(output_, columns)),
        descriptor_(descriptor) {
    if (schema_.kept > 0) kept_.emplace(kept);
    for (const ColumnSpec& spec : columns) computed_.emplace_back(spec);
  }

  Result<void> begin() {
    if (is_split(output_))
      if (auto prepared = prepare_folder(output_); !prepared) return prepared;
    return begin_file();
  }

  Result<void> write(std::span<const KeptRow> kept, std::span<const ColumnValues> columns) override {
    if (error_) return std::unexpected(*error_);
    auto written = write_rows(kept, columns);
    if (!written) error_ = written.error();
    return written;
  }

  Result<void> flush() override {
    if (error_) return std::unexpected(*error_);
    if (output_.format != OutputFormat::ArrowStream || file_ == nullptr) return {};
    auto flushed = file_->flush();
    if (!flushed) error_ = flushed.error();
    return flushed;
  }

  Result<TableSummary> close(const TableMetadata& late) override {
    if (error_) return std::unexpected(*error_);
    auto ended = end_file(late);
    error_ = ended ? Error{ErrorCode::InvalidArgument, "the output is closed"} : ended.error();
    if (!ended) return std::unexpected(ended.error());
    return std::move(summary_);
  }

 private:
  // A part is begun with its first row, so that none but the first can be empty.
  Result<void> begin_file() {
    const auto path = is_split(output_) ? part_path(output_, summary_.parts.size()) : output_.path;
    auto file = OutputFile::open(path, schema_, output_, group_bytes_, descriptor_);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    file_rows_ = 0;
    return {};
  }

  Result<void> end_file(const TableMetadata& late) {
    if (file_ == nullptr) return {};
    if (auto written = write_waiting(); !written) return written;
    auto part = file_->close(late);
    if (!part) return std::unexpected(part.error());
    file_.reset();
    summary_.rows += part->rows;
    summary_.size_bytes += part->size_bytes;
    summary_.parts.push_back(std::move(*part));
    return {};
  }

  Result<std::size_t> count_rows(std::span<const KeptRow> kept, std::span<const ColumnValues> columns) const {
    if (columns.size() != computed_.size())
      return fail(ErrorCode::InvalidArgument,
                  std::format("{} columns come instead of {}", columns.size(), computed_.size()));
    if (!kept_ && !kept.empty()) return fail(ErrorCode::InvalidArgument, "columns come along that the output has not");
    const std::size_t rows = kept_ ? kept.size() : computed_.front().count(columns.front());
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (auto checked = computed_[i].check(columns[i], rows); !checked) return std::unexpected(checked.error());
    return rows;
  }

  Result<void> write_rows(std::span<const KeptRow> kept, std::span<const ColumnValues> columns) {
    const auto rows = count_rows(kept, columns);
    if (!rows) return std::unexpected(rows.error());
    for (std::size_t i = 0; i < *rows; ++i) {
      if (auto made = make_room(); !made) return made;
      if (kept_) {
        const auto bytes = kept_->append(kept[i]);
        if (!bytes) return std::unexpected(bytes.error());
        waiting_.bytes += *bytes;
      }
      const std::uint64_t before = computed_bytes_;
      for (std::size_t c = 0; c < columns.size(); ++c) {
        if (const auto status = computed_[c].append(columns[c], i, computed_bytes_); !status.ok())
          return output_error(std::format("output '{}'", output_.path.string()), status);
      }
      waiting_.bytes += computed_bytes_ - before;
      ++waiting_.rows;
      ++file_rows_;
      if (waiting_.rows < max_waiting_.rows && waiting_.bytes < max_waiting_.bytes) continue;
      if (auto written = write_waiting(); !written) return written;
      if (output_.split_bytes && file_->expected_size() >= *output_.split_bytes)
        if (auto ended = end_file({}); !ended) return ended;
    }
    if (output_.format != OutputFormat::ArrowStream) return {};
    return *rows == 0 ? write_empty() : write_waiting();
  }

  // A file for one row more.
  Result<void> make_room() {
    if (file_ != nullptr && file_rows_ >= max_rows_) {
      if (!is_split(output_)) {
        return fail(ErrorCode::InvalidArgument,
                    std::format("output '{}' is full: one file holds {} rows of such vectors, for many readers count "
                                "their values in 31 bits; write parts",
                                output_.path.string(), max_rows_));
      }
      if (auto ended = end_file({}); !ended) return ended;
    }
    return file_ == nullptr ? begin_file() : Result<void>();
  }

  // Whoever waits for an answer to a batch gets one, though it has no rows.
  Result<void> write_empty() {
    auto batch = arrow::RecordBatch::MakeEmpty(schema_.schema);
    if (!batch.ok()) return output_error(std::format("output '{}'", output_.path.string()), batch.status());
    return file_->write(*batch, 0);
  }

  Result<void> write_waiting() {
    if (waiting_.rows == 0) return {};
    auto batches = take_waiting();
    if (!batches.ok()) return output_error(std::format("output '{}'", output_.path.string()), batches.status());
    const std::uint64_t computed_row_bytes = computed_bytes_ / waiting_.rows;
    for (const auto& batch : *batches) {
      std::uint64_t bytes = computed_row_bytes * static_cast<std::uint64_t>(batch->num_rows());
      for (int i = 0; i < schema_.kept; ++i)
        bytes += static_cast<std::uint64_t>(arrow::util::ReferencedBufferSize(*batch->column(i)).ValueOr(0));
      if (auto written = file_->write(batch, bytes); !written) return written;
    }
    waiting_ = {};
    computed_bytes_ = 0;
    return {};
  }

  // The kept columns come in one batch, mostly, and the computed ones are cut to it.
  arrow::Result<arrow::RecordBatchVector> take_waiting() {
    arrow::ArrayVector computed;
    for (ComputedColumn& column : computed_) {
      ARROW_ASSIGN_OR_RAISE(auto array, column.finish());
      computed.push_back(std::move(array));
    }
    const auto rows = static_cast<std::int64_t>(waiting_.rows);
    if (!kept_) return arrow::RecordBatchVector{arrow::RecordBatch::Make(schema_.schema, rows, computed)};
    ARROW_ASSIGN_OR_RAISE(auto batches, kept_->take());
    std::int64_t begin = 0;
    for (auto& batch : batches) {
      arrow::ArrayVector columns = batch->columns();
      for (const auto& array : computed) columns.push_back(array->Slice(begin, batch->num_rows()));
      begin += batch->num_rows();
      batch = arrow::RecordBatch::Make(schema_.schema, batch->num_rows(), std::move(columns));
    }
    return batches;
  }

  TableOutput output_;
  OutputSchema schema_;
  std::uint64_t group_bytes_;
  Waiting max_waiting_;
  std::uint64_t max_rows_;
  int descriptor_;
  std::optional<KeptColumns> kept_;
  std::vector<ComputedColumn> computed_;
  Waiting waiting_;
  std::uint64_t computed_bytes_ = 0;  // of the rows that wait
  std::unique_ptr<OutputFile> file_;
  std::uint64_t file_rows_ = 0;
  TableSummary summary_;
  std::optional<Error> error_;
};

}  // namespace

Result<std::unique_ptr<RowWriter>> open_writer(TableOutput output, const std::shared_ptr<arrow::Schema>& kept,
                                               const std::vector<ColumnSpec>& columns,
                                               const std::vector<std::pair<std::string, std::string>>& rename,
                                               int descriptor) {
  if (columns.empty() && kept == nullptr) return fail(ErrorCode::InvalidArgument, "an output needs a column");
  auto schema = make_output_schema(output, kept, columns, rename);
  if (!schema) return std::unexpected(schema.error());
  auto writer = std::make_unique<TableWriter>(std::move(output), std::move(*schema), kept, columns, descriptor);
  if (auto begun = writer->begin(); !begun) return std::unexpected(begun.error());
  return writer;
}

}  // namespace internal

std::uint64_t max_rows_of_file(const TableOutput& output, const std::vector<ColumnSpec>& columns) {
  const std::uint64_t rows = output.split_rows.value_or(internal::kUnlimited);
  if (output.format == OutputFormat::ArrowStream) return rows;
  return std::min(rows, internal::countable_rows(output, columns));
}

Result<std::unique_ptr<RowWriter>> open_table_writer(TableOutput output, const RowReader* reader,
                                                     const std::vector<ColumnSpec>& columns,
                                                     const std::vector<std::pair<std::string, std::string>>& rename) {
  if (auto checked = check_output(output); !checked) return std::unexpected(checked.error());
  const auto* source = dynamic_cast<const internal::HasKeptSchema*>(reader);
  return internal::open_writer(std::move(output), source == nullptr ? nullptr : source->kept_schema(), columns, rename,
                               STDOUT_FILENO);
}

std::optional<OutputFormat> parse_output_format(std::string_view name) {
  if (name == "parquet") return OutputFormat::Parquet;
  if (name == "arrow") return OutputFormat::ArrowFile;
  if (name == "arrow-stream") return OutputFormat::ArrowStream;
  return std::nullopt;
}

std::optional<Compression> parse_compression(std::string_view name) {
  using Named = std::pair<std::string_view, Compression>;
  constexpr std::array<Named, 5> kCompressions = {
      Named{"zstd", Compression::Zstd}, Named{"snappy", Compression::Snappy}, Named{"gzip", Compression::Gzip},
      Named{"lz4", Compression::Lz4}, Named{"none", Compression::None}};
  for (const auto& [known, compression] : kCompressions)
    if (known == name) return compression;
  return std::nullopt;
}

}  // namespace llama
