// Write what a search has found: as a table for people, as JSON, as a file.
#pragma once

#include "console.h"
#include "vectors/found_rows.h"
#include "vectors/query_vectors.h"

namespace llama {

[[nodiscard]] Result<void> print_found_table(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                                             const std::stop_token& stop);

// An object a line.
[[nodiscard]] Result<void> print_found_json(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                                            const std::stop_token& stop);

// Parquet, or Arrow by the file's ending.
[[nodiscard]] Step<TableSummary> write_found(FoundRows& rows, const FoundColumns& columns, const SearchQueries& queries,
                                             const SearchArguments& arguments, const std::stop_token& stop);

// Before anything is computed.
[[nodiscard]] Step<void> check_found_output(const SearchArguments& arguments, const VectorFile& file);

}  // namespace llama
