// The rows of a source for which a condition holds, found by DuckDB batch by batch; types stay as they are.
//
// Columns of types that DuckDB does not know are not there for the condition.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "read/batch_source.h"
#include "read/database.h"

namespace llama::internal {

class FilteredSource : public BatchSource {
 public:
  FilteredSource(std::unique_ptr<BatchSource> source, std::unique_ptr<DuckDatabase> database);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return source_->schema(); }
  [[nodiscard]] bool finds_rows() const override { return true; }
  // Errors   InvalidQuery: the condition has an error.
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] bool cuts_batches() const override { return source_->cuts_batches(); }
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return std::nullopt; }
  [[nodiscard]] std::string name_of(std::uint64_t row) const override { return source_->name_of(row); }
  [[nodiscard]] std::vector<std::string> notes() const override { return source_->notes(); }

 private:
  std::unique_ptr<BatchSource> source_;
  std::unique_ptr<DuckDatabase> database_;
  std::string where_;
  std::vector<int> columns_, known_;  // known_: to DuckDB
};

}  // namespace llama::internal
