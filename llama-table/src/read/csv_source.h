// CSV and TSV files as a table: DuckDB parses, we say how (csv_header.h) and which types.
//
// CSV has no types. A column gets one only where every value of the whole file is written the same way back from it
// (of numbers with a fraction: is the same number): 01234 stays text, and so does a column whose last row is not like
// the others. So a file is read twice, the first time fast, by all cores; that also finds broken rows before an hour of
// work, and counts. What can be read only once has no types: all its columns are text.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "llama-table/table_reader.h"
#include "read/batch_source.h"
#include "read/byte_reader.h"
#include "read/database.h"
#include "read/input_files.h"

namespace llama::internal {

// stream: what is read, where it can be read only once; `files` names it.
[[nodiscard]] Result<std::unique_ptr<BatchSource>> open_csv(std::unique_ptr<DuckDatabase> database,
                                                            const InputFiles& files, std::unique_ptr<InputBytes> stream,
                                                            const TableInput& input, TableFormat format,
                                                            const std::stop_token& stop);

}  // namespace llama::internal
