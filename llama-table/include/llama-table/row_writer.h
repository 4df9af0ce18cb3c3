// Write rows: columns that go along and computed ones.
//
// Errors   NoSpace, Io, with the file's name and the system's reason; of a stream Cancelled; InvalidArgument: values
//          that do not fit the columns. After an error nothing more can be written.
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/column.h"
#include "llama-table/row.h"

namespace llama {

using TableMetadata = std::vector<std::pair<std::string, std::string>>;

// The kept columns of one row to write: row `index` of `rows`.
struct KeptRow {
  KeptRows rows;
  std::size_t index = 0;
};

struct WrittenPart {
  std::filesystem::path path = {};  // empty for standard output
  std::uint64_t rows = 0;
  std::uint64_t size_bytes = 0;
};

struct TableSummary {
  std::uint64_t rows = 0;
  std::uint64_t size_bytes = 0;
  std::vector<WrittenPart> parts;  // in order; one where the output is one file
};

class RowWriter {
 public:
  virtual ~RowWriter() = default;  // without close() nothing that looks finished is left, but for whole parts
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  // n rows: kept has n entries, or none where no column is kept; columns are those of open(), in its order.
  [[nodiscard]] virtual Result<void> write(std::span<const KeptRow> kept, std::span<const ColumnValues> columns) = 0;

  // What was written so far can be read by the other end (of a stream, where each write() is one record batch, also
  // of no rows); files ignore it.
  [[nodiscard]] virtual Result<void> flush() = 0;

  // late: metadata that is known only at the end; it joins open()'s. A stream ignores it, and parts that were whole
  // before lack it.
  [[nodiscard]] virtual Result<TableSummary> close(const TableMetadata& late) = 0;

 protected:
  RowWriter() = default;
};

}  // namespace llama
