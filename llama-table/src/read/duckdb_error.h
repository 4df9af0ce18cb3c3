// Turn what DuckDB says of a failure, many lines with advice for its own users, into one line of ours.
//
// Pure.
#pragma once

#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

// message: DuckDB's, "Invalid Input Error: CSV Error on Line: 102\nOriginal Line: …".
// In the message about a CSV of which DuckDB does not say where it is broken, or how.
inline constexpr std::string_view kNoCsv = " is no regular CSV";

[[nodiscard]] Error error_of_duckdb(std::string_view message);

}  // namespace llama::internal
