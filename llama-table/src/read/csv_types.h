// Find the types of a CSV's columns by a look at all values.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "read/csv_scan.h"
#include "read/database.h"

namespace llama::internal {

struct CsvTypes {
  std::vector<std::string> types;  // "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP"
  std::uint64_t rows = 0;          // that were looked at
};

// scan: gives all columns as text; the errors are the caller's to tell (PipeFeeds). may_have_type: of each column; the
// others are text.
// limit: how many rows will be read.
[[nodiscard]] Result<CsvTypes> find_csv_types(DuckDatabase& database, CsvScan& scan,
                                              const std::vector<std::string>& names,
                                              const std::vector<bool>& may_have_type,
                                              std::optional<std::uint64_t> limit, const std::stop_token& stop);

}  // namespace llama::internal
