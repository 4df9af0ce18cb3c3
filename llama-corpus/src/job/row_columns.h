// Collect the computed columns of the rows that are written together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "job_row.h"
#include "llama-corpus/embed_job.h"
#include "llama-table/column.h"
#include "llama-table/row_writer.h"

namespace llama::internal {

// One row of the output.
struct OutputRow {
  const JobRow& row;
  const TextPiece* piece = nullptr;    // of its text that this row is about; nothing: the whole
  std::size_t chunk = 0;               // which of them
  const TextAnswer* answer = nullptr;  // nothing: there is none
  bool shows_time = false;             // the first row with this text; for others nothing was computed
  std::optional<std::string> error{};  // then there is no vector
};

class RowColumns {
 public:
  RowColumns(const JobOptions& options, VectorElement element, std::int32_t dimension);

  [[nodiscard]] const std::vector<ColumnSpec>& specs() const { return specs_; }

  void add(const OutputRow& row);
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::span<const KeptRow> kept() const { return kept_; }
  [[nodiscard]] std::span<const ColumnValues> values() const { return values_; }
  void clear();

 private:
  enum class Content {
    Text,
    Hash,
    Embedding,
    Length,
    Time,
    TokenCount,
    Truncated,
    Error,
    Row,
    ChunkIndex,
    ChunkStart,
    ChunkEnd
  };
  void add_column(const std::string& name, Content content, ColumnType type, bool nullable);
  void add_cell(std::size_t column, const OutputRow& row);
  std::vector<ColumnSpec> specs_;
  std::vector<Content> contents_;
  std::vector<ColumnValues> values_;
  std::vector<KeptRow> kept_;
  std::size_t vector_bytes_ = 0;
  std::size_t rows_ = 0, bytes_ = 0;
};

}  // namespace llama::internal
