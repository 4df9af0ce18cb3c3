// A file that Arrow reads by itself: Parquet, or an Arrow IPC file.
//
// Errors   those of arrow_read_failure(), with the file's name.
// Memory   of Parquet pages of the wanted columns; of an IPC file one record batch.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row_writer.h"

namespace llama::internal {

class ArrowFile {
 public:
  virtual ~ArrowFile() = default;
  ArrowFile(const ArrowFile&) = delete;
  ArrowFile& operator=(const ArrowFile&) = delete;

  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> count() = 0;
  // The rows of each piece that can be read alone: a row group, a record batch, of a stream all.
  [[nodiscard]] virtual Result<std::vector<std::uint64_t>> piece_rows() = 0;
  // What the file says of itself, key and value; not the schema's that Arrow stores in Parquet.
  [[nodiscard]] virtual TableMetadata metadata() const = 0;
  // Once, before next().
  [[nodiscard]] virtual Result<void> select(const std::vector<int>& columns) = 0;
  // The same for one piece; again and again.
  [[nodiscard]] virtual Result<void> select_piece(std::size_t piece, const std::vector<int>& columns) = 0;
  // Nothing at the end.
  [[nodiscard]] virtual Result<std::shared_ptr<arrow::RecordBatch>> next() = 0;

 protected:
  ArrowFile() = default;
};

[[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_parquet_file(const std::string& path);
// A file or a stream, by its first bytes.
[[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_ipc_file(const std::string& path);
// The same, of a file in the system's memory: batches that are not compressed are not copied. Who cuts the file short
// meanwhile ends this process (SIGBUS).
[[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_mapped_ipc_file(const std::string& path);

[[nodiscard]] TableMetadata table_metadata(const arrow::KeyValueMetadata* metadata);

// Offsets and sizes are right, however damaged the file is. A text that is not UTF-8 is left for who asks for it.
// Cost: a look at every value.
[[nodiscard]] arrow::Status check_values(const arrow::RecordBatch& batch);

}  // namespace llama::internal
