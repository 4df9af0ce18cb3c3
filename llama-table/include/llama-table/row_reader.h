// Read rows in the input's order, from whatever kind of table.
//
// Threads  next() is called by one thread at a time; the rest by any, also meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-table/row.h"

namespace llama {

// A column that goes along.
struct ColumnDescription {
  std::string name;
  std::string type;  // for people: "VARCHAR", "DECIMAL(18,3)", "list<int64>"
};

// What the input was when it was opened, so that a later run can tell whether it still is that.
struct InputIdentity {
  std::string what;           // "file 'a.csv'", "3 files", "the query"
  std::string fingerprint{};  // differs where the input does: paths, sizes and times of files, text of a query
  std::string content{};      // the same wherever the same files lie: their names and sizes, text of a query
  bool is_repeatable = true;  // false: what was read is gone (standard input, a pipe)
  // The local files that are read: globs and folders resolved; of a query those that its texts and names mean, and the
  // attached databases' files. No output may replace one.
  std::vector<std::string> files{};
  // Of those the ones that rows come from. A text of a query may be a pattern that happens to match files, of which
  // only tables count.
  std::vector<std::string> sources{};
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // The next rows; a batch of no rows is possible. After a batch whose state is End there is nothing more.
  //
  // Errors   whatever ends the input: Io, NotFound, InvalidText (a line that cannot be read, with its number), Network;
  //          Cancelled soon after a stop is requested. Rows that came before stay good.
  [[nodiscard]] virtual Result<RowBatch> next(const std::stop_token& stop) = 0;

  // The columns that go along, in order.
  [[nodiscard]] virtual std::vector<ColumnDescription> kept_columns() const = 0;

  // How many rows there are from beginning to end; nothing where that cannot be known without reading all. May take as
  // long as a scan; call it before next().
  // Errors   as next().
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) = 0;

  [[nodiscard]] virtual InputIdentity identity() const = 0;

  // What people call a row: "row 17", "line 17".
  [[nodiscard]] virtual std::string name_of(std::uint64_t row) const = 0;

 protected:
  RowReader() = default;
};

}  // namespace llama
