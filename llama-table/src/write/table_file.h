// Write record batches in one format: Parquet, an Arrow IPC file, an Arrow stream.
//
// Errors   Arrow's; parquet's exceptions may come through, and are caught by OutputFile.
// Threads  one at a time.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <memory>

#include "llama-table/table_writer.h"
#include "output_bytes.h"

namespace llama::internal {

struct OutputSchema {
  std::shared_ptr<arrow::Schema> schema;  // kept columns, then computed ones; the metadata of open()
  int kept = 0;                           // columns
};

class TableFile {
 public:
  virtual ~TableFile() = default;
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  // bytes: about what the batch takes in memory.
  [[nodiscard]] virtual arrow::Status write(const std::shared_ptr<arrow::RecordBatch>& batch, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual arrow::Status close(const TableMetadata& late) = 0;
  // About how large the file would be if it ended now.
  [[nodiscard]] virtual std::uint64_t expected_size() const = 0;

 protected:
  TableFile() = default;
};

// group_bytes: a row group is ended when it holds so many.
[[nodiscard]] arrow::Result<std::unique_ptr<TableFile>> open_parquet_output(const OutputSchema& schema,
                                                                            const TableOutput& output,
                                                                            std::uint64_t group_bytes,
                                                                            std::shared_ptr<OutputBytes> bytes);

[[nodiscard]] arrow::Result<std::unique_ptr<TableFile>> open_arrow_output(const OutputSchema& schema,
                                                                          const TableOutput& output,
                                                                          std::shared_ptr<OutputBytes> bytes);

[[nodiscard]] std::shared_ptr<arrow::KeyValueMetadata> key_values(const TableMetadata& metadata);

}  // namespace llama::internal
