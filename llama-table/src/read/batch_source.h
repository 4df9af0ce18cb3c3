// The seam of the reading side: whatever holds a table hands out Arrow record batches, in its order.
//
// A source is opened, says its schema, is told once what is wanted of it (start), and is then read to its end.
//
// Threads  next() and count() by one thread at a time; name_of() by any.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstdint>
#include <format>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row.h"

namespace llama::internal {

struct TableBatch {
  std::shared_ptr<arrow::RecordBatch> rows;  // nothing: no rows
  std::vector<std::uint64_t> numbers;        // of the rows; empty: they go on from the batch before
  std::uint64_t skipped = 0;                 // blank lines
  RowState state = RowState::More;
};

// What is wanted of a source.
struct Selection {
  std::vector<int> columns;  // indexes of the schema, rising
  std::string where;         // SQL; "": all rows
  std::optional<std::uint64_t> limit;
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  BatchSource(const BatchSource&) = delete;
  BatchSource& operator=(const BatchSource&) = delete;

  // All columns, before start() and after.
  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> schema() const = 0;

  // Can it find the rows of a condition by itself? Else `where` is empty and all columns are asked for.
  [[nodiscard]] virtual bool finds_rows() const { return false; }
  [[nodiscard]] virtual Result<void> start(const Selection& selection, const std::stop_token& stop) = 0;

  // The next rows, with the columns of start(). Cut at no particular number unless cuts_batches() says that they may
  // be.
  [[nodiscard]] virtual Result<TableBatch> next(const std::stop_token& stop) = 0;
  // May a batch be handed on in pieces? Not where each is a question that is answered as a whole.
  [[nodiscard]] virtual bool cuts_batches() const { return true; }

  // Rows that next() will hand out, of a source that was started; nothing where only reading all would tell.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) = 0;

  [[nodiscard]] virtual std::string name_of(std::uint64_t row) const { return std::format("row {}", row + 1); }

  // What people should know of the columns; TableReader's.
  [[nodiscard]] virtual std::vector<std::string> notes() const { return {}; }

 protected:
  BatchSource() = default;
};

}  // namespace llama::internal
