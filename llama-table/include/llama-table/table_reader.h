// Open any table as rows: CSV, TSV, JSON, Parquet, Arrow, compressed or not; files, globs, folders, standard input,
// SQL.
//
// DuckDB reads, Arrow reads its own formats (and Parquet, where a type would be lost on the way); the rows come in the
// input's order, as a stream, in bounded memory. Nothing is written, loaded or downloaded that was not asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row_reader.h"

namespace llama {

enum class TableFormat { Text, Csv, Tsv, Json, JsonLines, Parquet, ArrowFile, ArrowStream };

// "csv", "jsonl", "arrow" …; nothing for a name that means no format.
[[nodiscard]] std::optional<TableFormat> parse_table_format(std::string_view name);
[[nodiscard]] std::string_view to_string(TableFormat format);

// By the name's ending and, where that says nothing, the first bytes. Text where neither says more.
// Errors   NotFound, Io.
[[nodiscard]] Result<TableFormat> detect_table_format(const std::vector<std::string>& paths);

enum class Keep { All, None, Some };

struct TableInput {
  std::vector<std::string> paths;    // files, globs, folders, URLs (https://, s3://); "-" alone: standard input
  std::optional<std::string> query;  // a SELECT instead of paths
  // Databases for the query, attached for reading only: "[NAME=]postgres:host=db dbname=news", "mysql:…",
  // "sqlite:FILE", "duckdb:FILE" or a file alone. Tables of one are found without its name before them.
  std::vector<std::string> attach;
  std::optional<TableFormat> format;  // of the paths; else by name and content
  // Whose cells are wanted, all text. Empty: the one column of text that there is, or the one named "text"; it does not
  // go along, as if leave_out had named it.
  std::vector<std::string> columns;
  std::vector<std::string> prompt_columns;  // handed out after those, as text whatever their type is ({year})
  std::optional<std::string> id;            // kept too, whatever keep says
  Keep keep = Keep::All;                    // which columns go along
  std::vector<std::string> keep_columns;    // with Some
  std::vector<std::string> leave_out;       // these do not, whatever keep says: the text that is written as computed
  std::string where;                        // SQL over the columns; "": all rows
  std::optional<std::uint64_t> limit;       // rows
  std::uint64_t memory_bytes = 1 << 30;     // that DuckDB may use
};

class TableReader : public RowReader {
 public:
  // Errors   NotFound (a file, a glob that matches nothing), InvalidArgument (a column that is not there, with those
  //          that are and the nearest; a column of numbers; files of different columns), InvalidQuery (SQL with an
  //          error, or that writes), InvalidText (no such format inside), Io, Network, Cancelled.
  [[nodiscard]] static Result<std::unique_ptr<TableReader>> open(TableInput input, const std::stop_token& stop = {});

  // The columns whose cells are handed out: those asked for, or the one that was found.
  [[nodiscard]] virtual const std::vector<std::string>& columns() const = 0;

  // What people should know of how the input was read, a line each: columns that got other names, for a CSV's header
  // had one twice or not at all.
  [[nodiscard]] virtual std::vector<std::string> notes() const = 0;

 protected:
  TableReader() = default;
};

}  // namespace llama
