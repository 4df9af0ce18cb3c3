// What `postgres:host=db dbname=news` and its like attach, and the SQL that does, for reading only.
//
//   [NAME=]postgres:CONNECTION   libpq's words or its URL (postgresql://user@host/news)
//   [NAME=]mysql:CONNECTION      also mariadb: "host=db database=news", mysql://user@host/news
//   [NAME=]sqlite:FILE           [NAME=]duckdb:FILE    [NAME=]FILE, told by its first bytes
//
// NAME is what SQL calls it; else the database's own name, or the file's without its ending.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

struct AttachedDatabase {
  std::string name;
  std::string kind;   // DuckDB's: "postgres", "mysql", "sqlite", "duckdb"
  std::string place;  // a connection string or a file
};

// Errors   InvalidArgument: no such kind; NotFound: no such file.
[[nodiscard]] Result<AttachedDatabase> parse_attached_database(std::string_view text);

// The statements that attach them. One alone is also the one that table names are looked up in.
[[nodiscard]] std::vector<std::string> attach_statements(const std::vector<AttachedDatabase>& databases);

}  // namespace llama::internal
