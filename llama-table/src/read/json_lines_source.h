// JSON objects, one a line, of a pipe: batch by batch, as they come.
//
// The first objects say the columns and their types (DuckDB would hold the whole of a pipe in memory): numbers, truth
// values and strings as such, whatever else as the text of its JSON. An object with another key or type than those ends
// the input, for a column cannot be added later and nothing is to be lost.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama-table/table_reader.h"
#include "read/batch_source.h"
#include "read/database.h"

namespace llama::internal {

class JsonLinesSource : public BatchSource {
 public:
  // lines: a source of one column, "text".
  [[nodiscard]] static Result<std::unique_ptr<BatchSource>> open(std::unique_ptr<BatchSource> lines,
                                                                 std::unique_ptr<DuckDatabase> database,
                                                                 const TableInput& input, const std::stop_token& stop);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return std::nullopt; }
  [[nodiscard]] std::string name_of(std::uint64_t row) const override { return lines_->name_of(row); }

 private:
  JsonLinesSource() = default;
  Result<void> look_at_first(const TableInput& input, const std::stop_token& stop);
  Result<void> check(const TableBatch& lines, const std::string& other, const std::stop_token& stop);
  Result<TableBatch> typed(TableBatch lines, const std::stop_token& stop);

  std::unique_ptr<BatchSource> lines_;
  std::unique_ptr<DuckDatabase> database_;
  std::vector<TableBatch> first_;  // looked at and not handed out; the last is the first
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::string> expressions_;  // of the columns
  std::string other_;                     // the condition of an object that does not fit
  std::string selected_;                  // SQL for a batch
};

}  // namespace llama::internal
