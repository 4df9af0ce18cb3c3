// Give every record of a CSV the same end, "\n", whatever ended it: "\r\n", "\n" or "\r".
//
// DuckDB takes the end of the file's first line, quoted or not, for that of all records, and reads nothing at all or
// stops where another comes. A file that was put together from several, or edited on several systems, has both. What
// stands between quotes stays as it is; a byte-order mark at the beginning goes, for DuckDB sees no quote after it.
//
// A quote opens where a field begins (after spaces too, as DuckDB has it); one within a field is a character.
//
// Cost     a look at each byte.
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace llama::internal {

class CsvLineEnds {
 public:
  CsvLineEnds(char separator, char escape) : separator_(separator), escape_(escape) {}

  // The next bytes of the file, as they shall be, at the end of `out`.
  void append(std::string_view bytes, std::string& out);

  // Some record ended with more or other than "\n".
  [[nodiscard]] bool has_returns() const { return has_returns_; }

 private:
  enum class Place { FieldStart, Field, Quoted, Escaped, AfterQuote };
  void step(char c);

  char separator_, escape_;
  Place place_ = Place::FieldStart;
  std::size_t mark_bytes_ = 0;  // of the byte-order mark that were seen; 3 or more: no longer at the beginning
  bool after_return_ = false;
  bool has_returns_ = false;
};

}  // namespace llama::internal
