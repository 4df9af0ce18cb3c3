#include "llama-table/vector_table.h"

#include <arrow/array.h>

#include <algorithm>
#include <exception>
#include <format>
#include <new>
#include <utility>

#include "read/batch_table_reader.h"
#include "read/batch_view.h"
#include "read/query_check.h"
#include "read/sql_text.h"
#include "vectors/column_view.h"
#include "vectors/picked_rows_source.h"
#include "vectors/pieced_table.h"
#include "vectors/vector_values.h"

namespace llama {
namespace internal {
namespace {

constexpr std::int64_t kBlockRows = 4096;
constexpr std::uint64_t kConditionMemory = 1 << 30;

// Arrow reports by status; memory that runs out, and only that, may still be thrown.
template <class T, class Work>
Result<T> without_throwing(Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::OutOfMemory, "there is not enough memory to read the vectors");
  } catch (const std::exception& error) {
    return fail(ErrorCode::Internal, std::format("the vectors cannot be read: {}", error.what()));
  }
}

class PieceVectorReader : public VectorReader {
 public:
  // columns: in the table's schema. places: of the vectors among them, then of the columns that come along.
  PieceVectorReader(std::shared_ptr<const PiecedTable> table, const std::vector<int>& columns, std::vector<int> places)
      : table_(std::move(table)), reader_(table_, columns), places_(std::move(places)) {}

  Result<void> start(std::size_t piece) override {
    row_ = table_->piece(piece).first_row;
    batch_.reset();
    return without_throwing<void>([&] { return reader_.start(piece); });
  }

  Result<std::optional<VectorBlock>> next(const std::stop_token& stop) override {
    return without_throwing<std::optional<VectorBlock>>([&] { return next_block(stop); });
  }

 private:
  Result<std::optional<VectorBlock>> next_block(const std::stop_token& stop) {
    while (batch_ == nullptr || at_ == batch_->num_rows()) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
      auto batch = reader_.next();
      if (!batch) return std::unexpected(batch.error());
      if (*batch == nullptr) return std::nullopt;
      batch_ = std::move(*batch);
      at_ = 0;
    }
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    const auto rows = batch_->Slice(at_, kBlockRows);
    at_ += rows->num_rows();
    VectorBlock block{.first_row = row_};
    row_ += static_cast<std::uint64_t>(rows->num_rows());
    if (auto taken = take_vectors(rows->column(places_.front()), table_->vectors(), block); !taken)
      return std::unexpected(taken.error());
    for (std::size_t i = 1; i < places_.size(); ++i)
      block.columns.emplace_back(std::make_shared<const ColumnValuesView>(rows->column(places_[i])));
    return block;
  }

  std::shared_ptr<const PiecedTable> table_;
  PieceReader reader_;
  std::vector<int> places_;
  std::uint64_t row_ = 0;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::int64_t at_ = 0;
};

Result<std::vector<int>> find_columns(const PiecedTable& table, const std::vector<std::string>& names) {
  std::vector<int> found;
  for (const std::string& name : names) {
    const auto column = find_column(*table.schema(), name);
    if (!column)
      return fail(column.error().code,
                  std::format("file '{}': {}", table.files().front().path, column.error().message));
    found.push_back(*column);
  }
  return found;
}

std::vector<int> rising(std::vector<int> columns) {
  std::ranges::sort(columns);
  columns.erase(std::ranges::unique(columns).begin(), columns.end());
  return columns;
}

std::string in_capitals(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

// The columns whose names come in a condition, and that DuckDB knows the types of.
std::vector<int> named_columns(const PiecedTable& table, const DuckDatabase& database, const std::string& condition,
                               bool all) {
  const SqlTokens tokens = sql_tokens(condition);
  std::vector<int> columns;
  for (int i = 0; i < table.schema()->num_fields(); ++i) {
    const auto& field = table.schema()->field(i);
    bool is_named = all;
    for (std::size_t at = 0; at < tokens.size() && !is_named; ++at)
      is_named = name_at(tokens, at) == in_capitals(field->name());
    if (is_named && is_known_to_duckdb(database, *field)) columns.push_back(i);
  }
  return columns;
}

// An error of the condition's is told before a file is read.
Result<void> try_condition(DuckDatabase& database, const arrow::Schema& schema, const std::string& condition,
                           const std::stop_token& stop) {
  auto none = arrow::RecordBatch::MakeEmpty(std::make_shared<arrow::Schema>(schema));
  if (!none.ok()) return fail(ErrorCode::Internal, none.status().message());
  return rows_where(database, **none, condition, stop).transform([](const auto&) {});
}

Result<RowSet> find_rows(const std::shared_ptr<const PiecedTable>& table, const std::string& condition,
                         const std::stop_token& stop) {
  auto database = DuckDatabase::open(kConditionMemory);
  if (!database) return std::unexpected(database.error());
  if (auto checked = check_where(**database, condition, stop); !checked) return std::unexpected(checked.error());
  std::vector<int> columns = named_columns(*table, **database, condition, false);
  PieceReader reader(table, columns);
  // COLUMNS(…) means columns by other words than their names. Of errors that with all columns is the better one.
  const bool means_any = has_word(sql_tokens(condition), "COLUMNS");
  if (means_any || !try_condition(**database, *reader.schema(), condition, stop)) {
    reader = PieceReader(table, named_columns(*table, **database, condition, true));
    if (auto again = try_condition(**database, *reader.schema(), condition, stop); !again)
      return std::unexpected(again.error());
  }
  RowSet set{.has = std::vector<bool>(table->rows())};
  for (std::size_t piece = 0; piece < table->pieces(); ++piece) {
    if (auto started = reader.start(piece); !started) return std::unexpected(started.error());
    for (std::uint64_t row = table->piece(piece).first_row;;) {
      const auto batch = reader.next();
      if (!batch) return std::unexpected(batch.error());
      if (*batch == nullptr) break;
      const auto fit = rows_where(**database, **batch, condition, stop);
      if (!fit) return std::unexpected(fit.error());
      for (const std::int64_t i : *fit) set.has[row + static_cast<std::uint64_t>(i)] = true;
      set.count += fit->size();
      row += static_cast<std::uint64_t>((*batch)->num_rows());
    }
  }
  return set;
}

}  // namespace

Result<std::unique_ptr<VectorReader>> PiecedTable::reader(const std::vector<std::string>& columns) const {
  auto found = find_columns(*this, columns);
  if (!found) return std::unexpected(found.error());
  found->insert(found->begin(), schema_->GetFieldIndex(vectors_.name));
  std::vector<int> read = rising(*found), places;
  for (const int column : *found)
    places.push_back(static_cast<int>(std::ranges::lower_bound(read, column) - read.begin()));
  return std::make_unique<PieceVectorReader>(shared_from_this(), read, std::move(places));
}

Result<RowSet> PiecedTable::rows_where(const std::string& condition, const std::stop_token& stop) const {
  return without_throwing<RowSet>([&] { return find_rows(shared_from_this(), condition, stop); });
}

Result<std::unique_ptr<TableReader>> PiecedTable::rows_at(std::vector<std::uint64_t> rows,
                                                          const WantedColumns& wanted) const {
  for (const std::uint64_t row : rows)
    if (row >= rows_)
      return fail(ErrorCode::InvalidArgument, std::format("there is no row {}: the last is {}", row, rows_ - 1));
  auto cells = find_columns(*this, wanted.cells), kept = find_columns(*this, wanted.keep);
  if (!cells) return std::unexpected(cells.error());
  if (!kept) return std::unexpected(kept.error());
  OpenedSource opened{.source = std::make_unique<PickedRowsSource>(shared_from_this(), std::move(rows)),
                      .identity = {.what = std::format("rows of '{}'", files_.front().path), .fingerprint = ""}};
  ColumnChoice choice{.wanted = std::move(*cells), .kept = std::move(*kept), .names = wanted.cells};
  return without_throwing<std::unique_ptr<TableReader>>(
      [&] { return BatchTableReader::over(std::move(opened), std::move(choice), "", std::nullopt, {}); });
}

}  // namespace internal

std::optional<std::string_view> BlockColumn::text(std::size_t row) const {
  if (!values_->cells().is_text()) return std::nullopt;
  return values_->cells().text(static_cast<std::int64_t>(row));
}

Result<std::shared_ptr<const VectorTable>> VectorTable::open(const VectorInput& input, const std::stop_token& stop) {
  return internal::without_throwing<std::shared_ptr<const VectorTable>>(
      [&] { return internal::PiecedTable::open_files(input, stop); });
}

}  // namespace llama
