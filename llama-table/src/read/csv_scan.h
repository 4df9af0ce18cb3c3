// The SQL that reads CSV files, and the pipes through which those come that DuckDB cannot read as they are.
//
// DuckDB parses, and is told how (csv_layout.h). A file whose records end in several ways (csv_line_ends.h), whose
// header has a line break in a name, or that is UTF-16 (DuckDB knows no pairs of surrogates) comes through a pipe: its
// rows are the same, but no second core helps.
//
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "read/byte_reader.h"
#include "read/csv_layout.h"
#include "read/input_files.h"
#include "read/pipe_feed.h"

namespace llama::internal {

class CsvScan {
 public:
  // What can be read only once.
  [[nodiscard]] static Result<CsvScan> of_stream(std::unique_ptr<InputBytes> stream, CsvLayout layout);
  // Errors   InvalidArgument: too many files need a pipe, or one in a folder with a key (year=2024/).
  [[nodiscard]] static Result<CsvScan> of_files(const InputFiles& files, CsvLayout layout);

  // For one query: of files, its pipes begin anew and those of the last one end.
  [[nodiscard]] Result<std::string> sql();
  [[nodiscard]] PipeFeeds& feeds() { return feeds_; }

  // Rows of up to 256 MB (128 MB through a pipe), instead of DuckDB's own 2 MB.
  void allow_large_rows(bool yes) { has_large_rows_ = yes; }

  // Whether some of the files that are read as they are have records that end with "\r"; those come through pipes
  // from now on.
  // Cost     reads them.
  [[nodiscard]] Result<bool> feed_returns(const std::stop_token& stop);

 private:
  CsvScan(CsvLayout layout, std::vector<std::string> files, bool is_remote);
  [[nodiscard]] Result<void> check_fed() const;

  CsvLayout layout_;
  std::vector<std::string> files_;
  std::vector<bool> is_fed_;  // of each file
  bool is_remote_ = false, is_stream_ = false, has_large_rows_ = false;
  PipeFeeds feeds_;
};

}  // namespace llama::internal
