// A table with vectors over Parquet or Arrow files, and the pieces that it is read in.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-table/vector_table.h"
#include "read/arrow_files_source.h"

namespace llama::internal {

// Tells a file from another one that has taken its place, and from itself when it has been written to.
struct FileMark {
  // Nothing: it is gone, or cannot be looked at.
  [[nodiscard]] static std::optional<FileMark> of(const std::string& path);

  std::uint64_t inode = 0, size_bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

struct TablePiece {
  std::size_t file = 0;
  std::size_t piece = 0;  // of the file
  std::uint64_t first_row = 0, rows = 0;
};

class PiecedTable : public VectorTable, public std::enable_shared_from_this<PiecedTable> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<const VectorTable>> open_files(const VectorInput& input,
                                                                             const std::stop_token& stop);

  [[nodiscard]] const VectorColumn& vectors() const override { return vectors_; }
  [[nodiscard]] const std::vector<TableColumn>& columns() const override { return columns_; }
  [[nodiscard]] const std::vector<TableFilePart>& files() const override { return files_; }
  [[nodiscard]] std::string_view format() const override { return format_; }
  [[nodiscard]] std::uint64_t rows() const override { return rows_; }
  [[nodiscard]] std::size_t pieces() const override { return pieces_.size(); }
  [[nodiscard]] std::size_t piece_of(std::uint64_t row) const override;
  [[nodiscard]] Result<std::unique_ptr<VectorReader>> reader(const std::vector<std::string>& columns) const override;
  [[nodiscard]] Result<RowSet> rows_where(const std::string& condition, const std::stop_token& stop) const override;
  [[nodiscard]] Result<std::unique_ptr<TableReader>> rows_at(std::vector<std::uint64_t> rows,
                                                             const WantedColumns& wanted) const override;

  // For those that read it.
  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }  // files', then folders' keys
  [[nodiscard]] bool is_key(int column) const { return column >= of_files_; }
  [[nodiscard]] const TablePiece& piece(std::size_t i) const { return pieces_[i]; }
  [[nodiscard]] Result<std::unique_ptr<ArrowFile>> open_file(std::size_t file) const;
  // Rows and pieces are those that were noted when the table was opened. Cost: a question to the system.
  // Errors   Io: it is another file now. One that is gone is none: who has it open can read it.
  [[nodiscard]] Result<void> check_unchanged(std::size_t file) const;

 private:
  PiecedTable() = default;
  Result<void> add_file(const std::string& path);
  Result<void> choose_vectors(const std::optional<std::string>& name);
  Result<void> find_dimension(const std::stop_token& stop);

  OpenArrowFile open_file_ = nullptr;
  std::string_view format_;
  std::shared_ptr<arrow::Schema> schema_;
  int of_files_ = 0;  // columns
  VectorColumn vectors_;
  std::vector<TableColumn> columns_;
  std::vector<TableFilePart> files_;
  std::vector<std::optional<FileMark>> marks_;  // of each file
  std::vector<TablePiece> pieces_;
  std::uint64_t rows_ = 0;
};

// Reads the batches of one piece after the other, some columns of them.
class PieceReader {
 public:
  // columns: of the table's schema, rising.
  PieceReader(std::shared_ptr<const PiecedTable> table, const std::vector<int>& columns);

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  [[nodiscard]] Result<void> start(std::size_t piece);
  // Nothing at the end.
  [[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> next();

 private:
  std::shared_ptr<const PiecedTable> table_;
  std::vector<int> of_file_;       // what is read of a file: at least one column, for the number of rows
  bool is_extra_ = false;          // that one was not asked for
  std::vector<std::string> keys_;  // of the folders
  std::shared_ptr<arrow::Schema> schema_;
  std::optional<std::size_t> open_;  // which file is
  std::unique_ptr<ArrowFile> file_;
};

}  // namespace llama::internal
