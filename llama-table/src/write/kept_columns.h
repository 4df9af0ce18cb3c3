// Gather rows of the columns that go along: picked one by one from the reader's batches, written as one batch.
//
// The types stay as they are: nested, dictionary, decimal, time zones, large and extension types, field metadata.
// Threads  one at a time.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "llama-table/row_writer.h"

namespace llama::internal {

class KeptColumns {
 public:
  // schema: of the kept columns alone. max_bytes: of one batch that is gathered, about; a quarter of what 32-bit
  // offsets count, so that no column comes near.
  explicit KeptColumns(std::shared_ptr<arrow::Schema> schema, std::uint64_t max_bytes = 512 << 20)
      : schema_(std::move(schema)), max_bytes_(max_bytes) {}

  // About the bytes that the row takes in memory.
  // Errors   InvalidArgument: rows of another schema, an index beyond them.
  [[nodiscard]] Result<std::uint64_t> append(const KeptRow& row);

  // The rows that were appended, in order; then there are none. More than one batch where one would hold more than
  // Arrow's 32-bit offsets can count.
  [[nodiscard]] arrow::Result<arrow::RecordBatchVector> take();

 private:
  struct Pick {
    std::shared_ptr<arrow::RecordBatch> batch;
    std::int64_t index;
    std::uint64_t new_bytes;  // that it can add to what a gathered column holds: of its batch, or of a repeated row
  };
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> gather(std::size_t begin, std::size_t end) const;

  std::shared_ptr<arrow::Schema> schema_;
  std::uint64_t max_bytes_;
  std::vector<Pick> picks_;
  std::uint64_t row_bytes_ = 0;  // of the newest pick: its batch's average, exact where it is repeated
  bool is_exact_ = false;
};

}  // namespace llama::internal
