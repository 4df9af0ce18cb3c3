#include "read/batch_table_reader.h"

#include <algorithm>
#include <exception>
#include <format>
#include <new>
#include <utility>

#include "kept_rows.h"

namespace llama {
namespace internal {
namespace {

constexpr std::int64_t kMaxRows = 2048;
constexpr std::size_t kMaxTextBytes = 8 << 20;  // of a batch of several rows

// Arrow and DuckDB report by status; memory that runs out, and only that, may still be thrown.
template <class T, class Work>
Result<T> without_exceptions(Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "there is not enough memory to read the input");
  } catch (const std::exception& error) {
    return fail(ErrorCode::Internal, std::format("the input cannot be read: {}", error.what()));
  }
}

int place_of(const std::vector<int>& columns, int column) {
  return static_cast<int>(std::ranges::lower_bound(columns, column) - columns.begin());
}

}  // namespace

Result<std::unique_ptr<TableReader>> BatchTableReader::open(const TableInput& input, const std::stop_token& stop) {
  auto opened = open_source(input, stop);
  if (!opened) return std::unexpected(opened.error());
  auto choice = choose_columns(*opened->source->schema(), input);
  if (!choice) {
    choice.error().message = std::format("{}: {}", opened->identity.what, choice.error().message);
    return std::unexpected(choice.error());
  }
  return over(std::move(*opened), std::move(*choice), input.where, input.limit, stop);
}

Result<std::unique_ptr<TableReader>> BatchTableReader::over(OpenedSource opened, ColumnChoice choice,
                                                            const std::string& where,
                                                            std::optional<std::uint64_t> limit,
                                                            const std::stop_token& stop) {
  const auto schema = opened.source->schema();
  std::unique_ptr<BatchTableReader> reader(new BatchTableReader());
  Selection selection{.columns = choice.kept, .where = where, .limit = limit};
  selection.columns.insert(selection.columns.end(), choice.wanted.begin(), choice.wanted.end());
  std::ranges::sort(selection.columns);
  selection.columns.erase(std::ranges::unique(selection.columns).begin(), selection.columns.end());
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const int column : choice.kept) {
    fields.push_back(schema->field(column));
    reader->kept_.push_back(place_of(selection.columns, column));
  }
  for (const int column : choice.wanted) reader->wanted_.push_back(place_of(selection.columns, column));
  if (auto started = opened.source->start(selection, stop); !started) return std::unexpected(started.error());
  reader->kept_schema_ = arrow::schema(std::move(fields), schema->metadata());
  reader->source_ = std::move(opened.source);
  reader->identity_ = std::move(opened.identity);
  reader->names_ = std::move(choice.names);
  reader->left_ = limit;
  return reader;
}

std::vector<ColumnDescription> BatchTableReader::kept_columns() const {
  std::vector<ColumnDescription> columns;
  for (const auto& field : kept_schema_->fields()) columns.push_back({field->name(), field->type()->ToString()});
  return columns;
}

Result<std::optional<std::uint64_t>> BatchTableReader::count(const std::stop_token& stop) {
  return without_exceptions<std::optional<std::uint64_t>>([&]() -> Result<std::optional<std::uint64_t>> {
    auto rows = source_->count(stop);
    if (rows && *rows && left_) rows = std::min(**rows, *left_);
    return rows;
  });
}

// The next batch of the source's, and what of it is looked at.
Result<void> BatchTableReader::fetch(const std::stop_token& stop) {
  auto batch = source_->next(stop);
  if (!batch) return std::unexpected(batch.error());
  batch_ = std::move(*batch);
  at_ = 0;
  cells_.clear();
  kept_rows_.reset();
  if (batch_.rows == nullptr) return {};
  for (const int column : wanted_) cells_.emplace_back(batch_.rows->column(column));
  if (kept_.empty()) return {};
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const int column : kept_) arrays.push_back(batch_.rows->column(column));
  kept_rows_ = arrow::RecordBatch::Make(kept_schema_, batch_.rows->num_rows(), std::move(arrays));
  return {};
}

std::int64_t BatchTableReader::rows_to_hand_out() const {
  std::int64_t rows = batch_.rows == nullptr ? 0 : batch_.rows->num_rows() - at_;
  if (left_) rows = static_cast<std::int64_t>(std::min<std::uint64_t>(static_cast<std::uint64_t>(rows), *left_));
  if (!source_->cuts_batches()) return rows;
  rows = std::min(rows, kMaxRows);
  std::size_t bytes = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (const CellReader& cells : cells_) bytes += cells.size_bytes(at_ + i);
    if (bytes > kMaxTextBytes) return std::max<std::int64_t>(1, i);
  }
  return rows;
}

void BatchTableReader::add_row(RowBatch& batch, std::int64_t row) {
  Row made{.number = number_++, .cells = std::vector<Cell>()};
  if (!batch_.numbers.empty()) made.number = batch_.numbers[static_cast<std::size_t>(row)];
  for (const CellReader& cells : cells_) {
    auto cell = cells.cell(row);
    if (!cell) {
      made.cells = std::unexpected(cell.error());
      break;
    }
    made.cells->push_back(std::move(*cell));
  }
  batch.rows.push_back(std::move(made));
}

// Of a batch that is cut the last piece has the state of the whole.
Result<RowBatch> BatchTableReader::next_rows(const std::stop_token& stop) {
  RowBatch batch;
  if (is_at_end_ || left_ == 0) {
    batch.state = RowState::End;
    return batch;
  }
  if (batch_.rows == nullptr || at_ == batch_.rows->num_rows()) {
    if (auto fetched = fetch(stop); !fetched) return std::unexpected(fetched.error());
    batch.skipped = batch_.skipped;
  }
  const std::int64_t rows = rows_to_hand_out();
  batch.rows.reserve(static_cast<std::size_t>(rows));
  for (std::int64_t i = 0; i < rows; ++i) add_row(batch, at_ + i);
  if (kept_rows_ != nullptr && rows > 0) batch.kept = std::make_shared<const KeptRows>(kept_rows_->Slice(at_, rows));
  at_ += rows;
  if (left_) *left_ -= static_cast<std::uint64_t>(rows);
  const bool is_whole = batch_.rows == nullptr || at_ == batch_.rows->num_rows();
  batch.state = left_ == 0 ? RowState::End : is_whole ? batch_.state : RowState::More;
  is_at_end_ = batch.state == RowState::End;
  return batch;
}

Result<RowBatch> BatchTableReader::next(const std::stop_token& stop) {
  return without_exceptions<RowBatch>([&] { return next_rows(stop); });
}

}  // namespace internal

Result<std::unique_ptr<TableReader>> TableReader::open(TableInput input, const std::stop_token& stop) {
  return internal::without_exceptions<std::unique_ptr<TableReader>>(
      [&] { return internal::BatchTableReader::open(input, stop); });
}

}  // namespace llama
