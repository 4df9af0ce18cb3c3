// Show a batch of Arrow's to DuckDB as a table, "rows_of_the_input", with a column of the rows' numbers besides.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "read/database.h"

namespace llama::internal {

inline constexpr const char* kBatchRow = "row_of_the_batch";

// A name for that column that neither the batch nor a condition has: kBatchRow, and as many "_" as it takes.
[[nodiscard]] std::string batch_row_name(const arrow::Schema& schema, std::string_view condition);
[[nodiscard]] bool is_batch_row_name(std::string_view name);

// Until the next one. Cost: a copy of the batch.
// Errors   InvalidArgument: a column's type is none of DuckDB's.
[[nodiscard]] Result<void> show_batch(DuckDatabase& database, const arrow::RecordBatch& rows,
                                      const std::stop_token& stop, const std::string& row_name = kBatchRow);

// The whole answer to a query over the batch that is shown.
[[nodiscard]] Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ask_shown(DuckDatabase& database,
                                                                                 const std::string& sql,
                                                                                 const std::stop_token& stop);

// The rows of a batch for which a condition holds, rising.
[[nodiscard]] Result<std::vector<std::int64_t>> rows_where(DuckDatabase& database, const arrow::RecordBatch& rows,
                                                           const std::string& where, const std::stop_token& stop);

[[nodiscard]] bool is_known_to_duckdb(const DuckDatabase& database, const arrow::Field& field);

}  // namespace llama::internal
