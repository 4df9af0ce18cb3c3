// Rows of a table with vectors by their numbers, in the order asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "read/batch_source.h"
#include "vectors/pieced_table.h"

namespace llama::internal {

class PickedRowsSource : public BatchSource {
 public:
  PickedRowsSource(std::shared_ptr<const PiecedTable> table, std::vector<std::uint64_t> rows)
      : table_(std::move(table)), rows_(std::move(rows)) {}

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return table_->schema(); }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return rows_.size(); }

 private:
  [[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> read(const std::vector<std::uint64_t>& sorted,
                                                                 const std::stop_token& stop);
  Result<void> go_to(std::uint64_t row);

  std::shared_ptr<const PiecedTable> table_;
  std::vector<std::uint64_t> rows_;
  std::size_t at_ = 0;
  std::unique_ptr<PieceReader> reader_;
  // Where the reader is: in which piece, its last batch and that batch's first row.
  std::optional<std::size_t> piece_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::uint64_t first_ = 0;
};

}  // namespace llama::internal
