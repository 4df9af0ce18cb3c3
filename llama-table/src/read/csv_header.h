// Find out from the beginning of a CSV file how it is written: what separates its columns, and their names.
//
// DuckDB's own sniffer would sooner read a ragged file as one column, skip the rows above one that fits better, or do
// without quotes than say that something is wrong; so it gets told. Only these are found out: the separator (of comma,
// tab, semicolon and bar, the one that parts the header most often) and whether quotes within quotes are doubled or
// have a backslash.
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

struct CsvHeader {
  char separator = ',';
  char escape = '"';
  std::vector<std::string> names;  // each once, whatever its capitals: "a", "A_1"; unnamed "column2"
  bool has_line_break = false;     // within a name
  std::vector<std::string> notes;  // for people: what was renamed
};

// Is the first line there whole, as it seems?
[[nodiscard]] bool has_csv_header(std::string_view first_bytes);

// Errors   InvalidText: no line, no UTF-8, a quote that never closes.
// separator: as the caller has it.
[[nodiscard]] Result<CsvHeader> read_csv_header(std::string_view first_bytes, std::optional<char> separator,
                                                std::string_view name);

}  // namespace llama::internal
