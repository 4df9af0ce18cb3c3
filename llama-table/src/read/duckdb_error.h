// Turn what DuckDB says of a failure, many lines with advice for its own users, into one line of ours.
//
// Pure.
#pragma once

#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

// message: DuckDB's, "Invalid Input Error: CSV Error on Line: 102\nOriginal Line: …".
[[nodiscard]] Error error_of_duckdb(std::string_view message);

}  // namespace llama::internal
