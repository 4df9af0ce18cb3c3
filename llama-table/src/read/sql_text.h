// Write names and values into SQL, and tell from a query's words whether it only reads.
//
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

[[nodiscard]] std::string sql_name(std::string_view name);                     // "my ""column"""
[[nodiscard]] std::string sql_string(std::string_view text);                   // 'it''s'
[[nodiscard]] std::string sql_strings(const std::vector<std::string>& texts);  // ['a', 'b']

// The statements of a query, without comments at their ends and semicolons: what was asked for comes last.
[[nodiscard]] std::vector<std::string> split_statements(std::string_view sql);

// A query is read: one SELECT, before it, if need be, ATTACH … (READ_ONLY), LOAD, USE, SET and CREATE SECRET. Anything
// that writes is refused, also where it hides in a WITH.
//
// Errors   InvalidArgument.
[[nodiscard]] Result<void> check_only_reads(const std::vector<std::string>& statements);

// The condition of a WHERE: one expression, and nothing that ends the brackets around it.
//
// Errors   InvalidArgument.
[[nodiscard]] Result<void> check_condition(std::string_view where);

}  // namespace llama::internal
