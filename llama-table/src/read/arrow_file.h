// A file that Arrow reads by itself: Parquet, or an Arrow IPC file.
//
// Errors   those of arrow_read_failure(), with the file's name.
// Memory   of Parquet pages of the wanted columns; of an IPC file one record batch.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

class ArrowFile {
 public:
  virtual ~ArrowFile() = default;
  ArrowFile(const ArrowFile&) = delete;
  ArrowFile& operator=(const ArrowFile&) = delete;

  [[nodiscard]] virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> count() = 0;
  // Once, before next().
  [[nodiscard]] virtual Result<void> select(const std::vector<int>& columns) = 0;
  // Nothing at the end.
  [[nodiscard]] virtual Result<std::shared_ptr<arrow::RecordBatch>> next() = 0;

 protected:
  ArrowFile() = default;
};

[[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_parquet_file(const std::string& path);
// A file or a stream, by its first bytes.
[[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_ipc_file(const std::string& path);

// Offsets and sizes are right, however damaged the file is. A text that is not UTF-8 is left for who asks for it.
// Cost: a look at every value.
[[nodiscard]] arrow::Status check_values(const arrow::RecordBatch& batch);

}  // namespace llama::internal
