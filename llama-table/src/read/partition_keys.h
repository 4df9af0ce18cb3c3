// Find what the names of folders say of the rows in them: year=2024/part.parquet has a column "year", "2024".
//
// Source   Hive's layout, as Spark, DuckDB and pyarrow write it; values are text here, for "007" is one.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llama::internal {

// Nothing for a value that Hive writes for a null.
using PartitionKeys = std::vector<std::pair<std::string, std::optional<std::string>>>;

[[nodiscard]] PartitionKeys partition_keys_of(std::string_view path);

// The names of the keys, if every path has the same.
[[nodiscard]] std::vector<std::string> common_partition_keys(const std::vector<std::string>& paths);

}  // namespace llama::internal
