// Rows from whatever source: cells of the wanted columns, the kept ones along with them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kept_schema.h"
#include "llama-table/table_reader.h"
#include "read/batch_source.h"
#include "read/cell_reader.h"
#include "read/column_choice.h"
#include "read/open_source.h"

namespace llama::internal {

class BatchTableReader : public TableReader, public HasKeptSchema {
 public:
  [[nodiscard]] static Result<std::unique_ptr<TableReader>> open(const TableInput& input, const std::stop_token& stop);
  // Columns of a source that was not started yet.
  [[nodiscard]] static Result<std::unique_ptr<TableReader>> over(OpenedSource opened, ColumnChoice choice,
                                                                 const std::string& where,
                                                                 std::optional<std::uint64_t> limit,
                                                                 const std::stop_token& stop);

  [[nodiscard]] Result<RowBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] std::vector<ColumnDescription> kept_columns() const override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) override;
  [[nodiscard]] InputIdentity identity() const override { return identity_; }
  [[nodiscard]] std::string name_of(std::uint64_t row) const override { return source_->name_of(row); }
  [[nodiscard]] const std::vector<std::string>& columns() const override { return names_; }
  [[nodiscard]] std::vector<std::string> notes() const override { return source_->notes(); }
  [[nodiscard]] std::shared_ptr<arrow::Schema> kept_schema() const override { return kept_schema_; }

 private:
  BatchTableReader() = default;
  Result<RowBatch> next_rows(const std::stop_token& stop);
  Result<void> fetch(const std::stop_token& stop);
  [[nodiscard]] std::int64_t rows_to_hand_out() const;
  void add_row(RowBatch& batch, std::int64_t row);

  std::unique_ptr<BatchSource> source_;
  InputIdentity identity_;
  std::vector<std::string> names_;
  std::vector<int> wanted_, kept_;  // where they are in the source's batches
  std::shared_ptr<arrow::Schema> kept_schema_;
  std::optional<std::uint64_t> left_;  // rows to hand out
  std::uint64_t number_ = 0;           // of the next row

  TableBatch batch_;  // what is handed out
  std::int64_t at_ = 0;
  std::vector<CellReader> cells_;
  std::shared_ptr<arrow::RecordBatch> kept_rows_;
  bool is_at_end_ = false;
};

}  // namespace llama::internal
