#include "read/attached_database.h"

#include <array>
#include <cctype>
#include <filesystem>
#include <format>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "read/input_files.h"
#include "read/secrets.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKinds = {{
    {"postgres:", "postgres"},
    {"postgresql:", "postgres"},
    {"mysql:", "mysql"},
    {"mariadb:", "mysql"},
    {"sqlite:", "sqlite"},
    {"duckdb:", "duckdb"},
}};

bool is_identifier(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0) return false;
  for (const char c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  return true;
}

// By a file's first bytes.
std::optional<std::string> kind_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 16> first{};
  file.read(first.data(), first.size());
  const std::string_view bytes(first.data(), static_cast<std::size_t>(file.gcount()));
  if (bytes.starts_with("SQLite format 3")) return "sqlite";
  if (bytes.size() > 12 && bytes.substr(8, 4) == "DUCK") return "duckdb";
  return std::nullopt;
}

// "dbname=news" of a connection string, or the path of a URL.
std::string database_of(std::string_view place, std::string_view kind) {
  if (const std::size_t scheme = place.find("://"); scheme != std::string_view::npos) {
    std::string_view rest = place.substr(scheme + 3);
    rest = rest.substr(0, rest.find('?'));
    const std::size_t slash = rest.find('/');
    return slash == std::string_view::npos ? "" : std::string(rest.substr(slash + 1));
  }
  for (const std::string_view key : {kind == "postgres" ? "dbname=" : "database=", "db="}) {
    const std::size_t at = place.find(key);
    if (at == std::string_view::npos || (at > 0 && place[at - 1] != ' ')) continue;
    const std::string_view value = place.substr(at + key.size());
    return std::string(value.substr(0, value.find(' ')));
  }
  return "";
}

std::string name_for(const AttachedDatabase& database) {
  const bool is_file = database.kind == "sqlite" || database.kind == "duckdb";
  std::string name =
      is_file ? std::filesystem::path(database.place).stem().string() : database_of(database.place, database.kind);
  // DuckDB has databases of its own under these.
  const bool is_taken = name == "memory" || name == "system" || name == "temp";
  return is_identifier(name) && !is_taken ? name : database.kind;
}

}  // namespace

Result<AttachedDatabase> parse_attached_database(std::string_view text) {
  AttachedDatabase database;
  std::string_view rest = text;
  const auto find_kind = [&] {
    for (const auto& [prefix, kind] : kKinds) {
      if (!rest.starts_with(prefix)) continue;
      database.kind = kind;
      database.place = rest.substr(prefix.size());
      // A URL is the connection's own; "sqlite://" is none.
      if (database.place.starts_with("//") && kind == "postgres") database.place = "postgresql:" + database.place;
      if (database.place.starts_with("//") && kind == "mysql") database.place = "mysql:" + database.place;
      return true;
    }
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(rest, ignored)) return false;
    database.place = rest;
    database.kind = kind_of_file(database.place).value_or("");
    return true;
  };
  bool found = find_kind();
  if (const std::size_t sign = text.find('='); !found && sign != std::string_view::npos) {
    if (const std::string_view name = text.substr(0, sign); is_identifier(name)) {
      rest = text.substr(sign + 1);
      found = find_kind();
      database.name = name;
    }
  }
  if (!found)
    return fail(ErrorCode::InvalidArgument,
                std::format("'{}' is no database: write postgres:…, mysql:…, sqlite:FILE or duckdb:FILE, or a file "
                            "that is there; NAME= before it names it",
                            without_secrets(text)));
  if (database.kind.empty())
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}' is no database of SQLite or DuckDB", database.place));
  std::error_code ignored;
  const bool is_file = database.kind == "sqlite" || database.kind == "duckdb";
  if (is_file && !database.place.contains("://") && !std::filesystem::exists(database.place, ignored))
    return fail(ErrorCode::NotFound, std::format("file '{}' does not exist", database.place));
  if (auto checked = is_file ? check_is_file(database.place) : Result<void>(); !checked)
    return std::unexpected(checked.error());
  const auto found_kind = is_file ? kind_of_file(database.place) : std::nullopt;
  if (found_kind && *found_kind != database.kind)
    return fail(ErrorCode::InvalidArgument, std::format("file '{}' is no database of {}", database.place,
                                                        database.kind == "sqlite" ? "SQLite" : "DuckDB"));
  if (database.name.empty()) database.name = name_for(database);
  return database;
}

std::vector<std::string> attach_statements(const std::vector<AttachedDatabase>& databases) {
  std::vector<std::string> statements;
  for (const AttachedDatabase& database : databases)
    statements.push_back(std::format("ATTACH {} AS {} (TYPE {}, READ_ONLY)", sql_string(database.place),
                                     sql_name(database.name), database.kind));
  if (databases.size() == 1) statements.push_back(std::format("USE {}", sql_name(databases.front().name)));
  return statements;
}

}  // namespace llama::internal
