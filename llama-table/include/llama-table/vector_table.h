// Open tables with a column of vectors such that any thread reads any part of them: Parquet and Arrow, one file or a
// folder of parts.
//
// A table is cut into pieces, each of which can be read alone: row groups of Parquet, record batches of Arrow files, an
// Arrow stream as a whole. Vectors come in blocks of a few thousand rows, as they lie in Arrow's memory where they lie
// one after the other. Rows are numbered from 0 over all files, in the order of their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/column.h"
#include "llama-table/row_writer.h"
#include "llama-table/table_reader.h"

namespace llama {

namespace internal {
class ColumnValuesView;  // llama-table/src/vectors: an Arrow array
}

struct VectorInput {
  std::vector<std::string> paths;     // files, globs, folders: of one kind, with the same columns
  std::optional<std::string> column;  // of the vectors; nothing: "embedding", or the only one that may be one
};

// The column of the vectors: lists of floats (16, 32 or 64 bits), of int8, or of uint8, whose bits are dimensions.
struct VectorColumn {
  std::string name;
  std::string type;                                // for people: "fixed_size_list<element: float not null>[384]"
  VectorElement element = VectorElement::Float32;  // of the blocks: doubles are rounded to Float32
  // Entries of a list, of bits times eight; 0 where the column has lists of any length and no row has one.
  std::int32_t dimension = 0;
};

enum class CellKind { Text, Number, Other };

struct TableColumn {
  std::string name, type;  // type: for people
  CellKind kind = CellKind::Other;
  bool is_of_folders = false;  // what the names of folders say: year=2024
};

struct TableFilePart {
  std::string path;
  std::uint64_t rows = 0, first_row = 0, size_bytes = 0;
  TableMetadata metadata;  // key and value, as the file has them
};

// The cells of one column for the rows of a block.
class BlockColumn {
 public:
  explicit BlockColumn(std::shared_ptr<const internal::ColumnValuesView> values) : values_(std::move(values)) {}
  // Nothing: null, or no text. It lives as long as this.
  [[nodiscard]] std::optional<std::string_view> text(std::size_t row) const;
  // Nothing: null, or no number.
  [[nodiscard]] std::optional<double> number(std::size_t row) const;

 private:
  std::shared_ptr<const internal::ColumnValuesView> values_;
};

struct VectorBlock {
  std::uint64_t first_row = 0;  // in the table
  std::size_t rows = 0;         // with those that have no vector
  std::size_t vectors = 0;
  const std::byte* values = nullptr;         // of the vectors, vector_bytes() each, one after the other
  std::vector<std::uint32_t> row_of = {};    // of each vector, from first_row; empty: vector i is row i's
  std::uint64_t nulls = 0;                   // rows without a list, or (of whole numbers) with a null in it
  std::uint64_t other_lengths = 0;           // rows with a list of another length
  std::vector<BlockColumn> columns = {};     // those that were asked for, in that order
  std::shared_ptr<const void> storage = {};  // what values points into

  [[nodiscard]] std::size_t row(std::size_t vector) const { return row_of.empty() ? vector : row_of[vector]; }
};

// Reads one piece after the other.
// Threads  one at a time; any number of readers beside each other.
class VectorReader {
 public:
  virtual ~VectorReader() = default;
  VectorReader(const VectorReader&) = delete;
  VectorReader& operator=(const VectorReader&) = delete;

  // Errors   of both: Io, InvalidText (damaged, cut short), OutOfMemory, Cancelled; each names the file.
  [[nodiscard]] virtual Result<void> start(std::size_t piece) = 0;
  // Nothing at the piece's end.
  [[nodiscard]] virtual Result<std::optional<VectorBlock>> next(const std::stop_token& stop) = 0;

 protected:
  VectorReader() = default;
};

// Rows of a table that a condition holds for.
struct RowSet {
  std::vector<bool> has;  // of each row
  std::uint64_t count = 0;
};

// What is handed out of rows that are asked for by their numbers.
struct WantedColumns {
  std::vector<std::string> cells;  // as text, whatever their types are
  std::vector<std::string> keep;   // go along, in this order; each once
};

// Threads  immutable: any number at once.
class VectorTable {
 public:
  // Looks at every file's columns and at how it is cut.
  //
  // Errors   NotFound, Io, InvalidText (damaged, cut short), InvalidArgument (no Parquet or Arrow; files with other
  //          columns; no column of vectors, several, none of that name: says which there are), Cancelled.
  [[nodiscard]] static Result<std::shared_ptr<const VectorTable>> open(const VectorInput& input,
                                                                       const std::stop_token& stop = {});
  virtual ~VectorTable() = default;
  VectorTable(const VectorTable&) = delete;
  VectorTable& operator=(const VectorTable&) = delete;

  [[nodiscard]] virtual const VectorColumn& vectors() const = 0;
  [[nodiscard]] virtual const std::vector<TableColumn>& columns() const = 0;  // all; folders' keys among them
  [[nodiscard]] virtual const std::vector<TableFilePart>& files() const = 0;  // at least one
  [[nodiscard]] virtual std::string_view format() const = 0;                  // "parquet", "arrow"
  [[nodiscard]] virtual std::uint64_t rows() const = 0;
  [[nodiscard]] virtual std::size_t pieces() const = 0;
  [[nodiscard]] virtual std::size_t piece_of(std::uint64_t row) const = 0;  // requires row < rows()

  // columns: whose cells come with each block.
  // Errors   InvalidArgument: there is no such column (says which there are).
  [[nodiscard]] virtual Result<std::unique_ptr<VectorReader>> reader(const std::vector<std::string>& columns) const = 0;

  // The rows for which a condition in DuckDB's SQL holds.
  // Errors   InvalidQuery; those of VectorReader.
  // Cost     the columns that the condition names are read, and no others.
  [[nodiscard]] virtual Result<RowSet> rows_where(const std::string& condition, const std::stop_token& stop) const = 0;

  // Some rows, in the order given; a row may come several times. Row::number is the row's in the table.
  // Errors   InvalidArgument: there is no such column, no such row.
  // Cost     of each thousand of them, the pieces that they lie in are read; rows that rise are read once.
  [[nodiscard]] virtual Result<std::unique_ptr<TableReader>> rows_at(std::vector<std::uint64_t> rows,
                                                                     const WantedColumns& wanted) const = 0;

 protected:
  VectorTable() = default;
};

}  // namespace llama
