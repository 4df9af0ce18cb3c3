// Tell whether a user's SQL only reads, before any of it is run.
//
// A query is one SELECT. Before it may stand what prepares it: ATTACH … (READ_ONLY), LOAD NAME, USE, CREATE SECRET in
// memory, and SET of what changes how something is read. Refused are statements that write, wherever they hide, and
// functions that hand SQL to a database or to DuckDB as a text (postgres_execute, query): databases attached for
// reading refuse writes of their own accord, but a text may end that transaction. postgres_query, mysql_query and
// sqlite_query may be given the database and one SELECT, both as plain texts, and no option.
//
// Words alone would be fooled by how DuckDB reads a text differently, so DuckDB's own parse tree is asked as well.
//
// Errors   InvalidQuery: says what is not allowed.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "read/database.h"

namespace llama::internal {

// The query's statements, the SELECT last. Pure.
[[nodiscard]] Result<void> check_only_reads(const std::vector<std::string>& statements);

// The condition of a WHERE: one expression, and nothing that ends the brackets around it. Pure.
[[nodiscard]] Result<void> check_condition(std::string_view where);

// The same, and what DuckDB's parser makes of it.
[[nodiscard]] Result<void> check_where(DuckDatabase& database, const std::string& where, const std::stop_token& stop);

// What DuckDB's parser makes of the SELECT has no other functions than its words.
[[nodiscard]] Result<void> check_parsed(DuckDatabase& database, const std::string& select, const std::stop_token& stop);

}  // namespace llama::internal
