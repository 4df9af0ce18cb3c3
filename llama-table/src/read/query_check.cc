#include "read/query_check.h"

#include <arrow/array.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <format>
#include <optional>

#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::array<std::string_view, 9> kReading = {"SELECT", "FROM", "WITH",    "VALUES",  "TABLE",
                                                      "PIVOT",  "SHOW", "UNPIVOT", "DESCRIBE"};
constexpr std::array<std::string_view, 17> kWriting = {"INSERT", "UPDATE", "DELETE",   "MERGE",   "COPY",    "CREATE",
                                                       "DROP",   "ALTER",  "EXPORT",   "IMPORT",  "INSTALL", "DETACH",
                                                       "VACUUM", "CALL",   "TRUNCATE", "REPLACE", "ATTACH"};

// Functions that write, or run a text as SQL. Those that end in _EXECUTE or _QUERY are known by that.
constexpr std::array<std::string_view, 14> kRefusedFunctions = {"QUERY",
                                                                "JSON_EXECUTE_SERIALIZED_SQL",
                                                                "SQLITE_ATTACH",
                                                                "POSTGRES_ATTACH",
                                                                "ENABLE_LOGGING",
                                                                "DISABLE_LOGGING",
                                                                "TRUNCATE_DUCKDB_LOGS",
                                                                "ENABLE_PROFILING",
                                                                "DISABLE_PROFILING",
                                                                "CHECKPOINT",
                                                                "FORCE_CHECKPOINT",
                                                                "POSTGRES_CONFIGURE_POOL",
                                                                "MYSQL_CONFIGURE_POOL",
                                                                "WRITE_LOG"};

// What SET may change: how something is read. Others write files, fetch extensions or end read-only transactions.
constexpr std::array<std::string_view, 26> kSettings = {"VARIABLE",
                                                        "SCHEMA",
                                                        "SEARCH_PATH",
                                                        "TIMEZONE",
                                                        "CALENDAR",
                                                        "MEMORY_LIMIT",
                                                        "MAX_MEMORY",
                                                        "THREADS",
                                                        "DEFAULT_COLLATION",
                                                        "DEFAULT_ORDER",
                                                        "DEFAULT_NULL_ORDER",
                                                        "INTEGER_DIVISION",
                                                        "CA_CERT_FILE",
                                                        "PG_ARRAY_AS_VARCHAR",
                                                        "PG_NUMERIC_AS_VARCHAR",
                                                        "PG_NULL_BYTE_REPLACEMENT",
                                                        "PG_CONNECTION_LIMIT",
                                                        "PG_PAGES_PER_TASK",
                                                        "PG_USE_CTID_SCAN",
                                                        "PG_STATEMENT_TIMEOUT_MILLIS",
                                                        "MYSQL_BIT1_AS_BOOLEAN",
                                                        "MYSQL_TINYINT1_AS_BOOLEAN",
                                                        "MYSQL_INCOMPLETE_DATES_AS_NULLS",
                                                        "MYSQL_SESSION_TIME_ZONE",
                                                        "MYSQL_TIME_AS_TIME",
                                                        "SQLITE_ALL_VARCHAR"};
constexpr std::array<std::string_view, 3> kSettingFamilies = {"S3_", "HTTP_", "AZURE_"};

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::contains(words, text);
}

std::unexpected<Error> writes(std::string_view word) {
  return fail(ErrorCode::InvalidQuery,
              std::format("the query may only read: '{}' is not allowed; give one SELECT", word));
}

bool is_refused_function(std::string_view name) {
  return is_one_of(name, kRefusedFunctions) || name.ends_with("_EXECUTE") || name.ends_with("_EXTERNAL_RESOURCE") ||
         name.ends_with("_EXTERNAL_RESOURCE_TYPE");
}

// postgres_query and its like: they run a text as SQL of their database's.
bool hands_through(std::string_view name) { return name.ends_with("_QUERY"); }

Result<void> check_select(const SqlTokens& tokens);

// ('DATABASE', 'SELECT …') from the bracket at i on.
Result<void> check_handed_through(const SqlTokens& tokens, std::size_t i, std::string_view name) {
  const auto refused = [&] {
    std::string function(name);
    std::ranges::transform(function, function.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return fail(ErrorCode::InvalidQuery,
                std::format("the query may only read: {} takes the database's name and one SELECT here, as two plain "
                            "texts and without options",
                            function));
  };
  const auto database = plain_text_at(tokens, i + 1);
  if (!database || !is_sign(tokens, database->after, ",")) return refused();
  const auto sql = plain_text_at(tokens, database->after + 1);
  if (!sql || !is_sign(tokens, sql->after, ")")) return refused();
  if (split_statements(sql->text).size() != 1) return refused();
  const SqlTokens inner = sql_tokens(sql->text);
  std::size_t first = 0;
  while (is_sign(inner, first, "(")) ++first;
  for (const std::string_view word : {"SELECT", "WITH", "VALUES", "TABLE"})
    if (is_word(inner, first, word)) return check_select(inner);
  return refused();
}

Result<void> check_functions(const SqlTokens& tokens) {
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    const auto name = name_at(tokens, i);
    if (!name || !is_sign(tokens, i + 1, "(")) continue;
    if (is_refused_function(*name)) return writes(*name);
    if (!hands_through(*name)) continue;
    if (auto checked = check_handed_through(tokens, i + 1, *name); !checked) return checked;
  }
  return {};
}

Result<void> check_select(const SqlTokens& tokens) {
  std::size_t first = 0;
  while (is_sign(tokens, first, "(")) ++first;
  if (first == tokens.size() || tokens[first].kind != SqlToken::Kind::Word || !is_one_of(tokens[first].text, kReading))
    return writes(first == tokens.size() ? "" : tokens[first].text);
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const bool is_call = is_sign(tokens, i + 1, "(");
    if (tokens[i].kind == SqlToken::Kind::Word && is_sign(tokens, i - 1, "(") && !is_call &&
        is_one_of(tokens[i].text, kWriting))
      return writes(tokens[i].text);
  }
  // WITH x AS (…) INSERT …: the statement after the last closing bracket of the WITH.
  if (is_word(tokens, first, "WITH")) {
    for (std::size_t i = first + 1, depth = 0; i < tokens.size(); ++i) {
      if (is_sign(tokens, i, "(")) ++depth;
      if (is_sign(tokens, i, ")") && depth > 0) --depth;
      if (depth == 0 && is_sign(tokens, i - 1, ")") && tokens[i].kind == SqlToken::Kind::Word &&
          is_one_of(tokens[i].text, kWriting))
        return writes(tokens[i].text);
    }
  }
  return check_functions(tokens);
}

// READ_ONLY among the options in brackets, and not "READ_ONLY false".
bool is_attached_for_reading(const SqlTokens& tokens) {
  bool found = false;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_sign(tokens, i, "(")) ++depth;
    if (is_sign(tokens, i, ")") && depth > 0) --depth;
    if (depth != 1 || !is_word(tokens, i, "READ_ONLY")) continue;
    if (!is_sign(tokens, i - 1, "(") && !is_sign(tokens, i - 1, ",")) return false;
    const bool is_last = is_sign(tokens, i + 1, ",") || is_sign(tokens, i + 1, ")");
    if (found || (!is_last && !is_word(tokens, i + 1, "TRUE"))) return false;
    found = true;
  }
  return found && !has_word(tokens, "READ_WRITE");
}

Result<void> check_setting(const SqlTokens& tokens) {
  std::size_t at = 1;
  for (const std::string_view scope : {"GLOBAL", "SESSION", "LOCAL"})
    if (is_word(tokens, at, scope)) ++at;
  const auto name = name_at(tokens, at);
  const bool is_known = name && (is_one_of(*name, kSettings) || std::ranges::any_of(kSettingFamilies, [&](auto family) {
                                   return name->starts_with(family);
                                 }));
  if (!is_known) {
    return fail(ErrorCode::InvalidQuery, std::format("the query may only read: SET of '{}' is not allowed",
                                                     name ? *name : std::string("nothing")));
  }
  // An expression is computed before the query is looked at: it may not read, and so not hide anything either.
  for (const std::string_view word : {"SELECT", "FROM", "TABLE", "VALUES", "WITH"})
    if (has_word(tokens, word)) return writes(word);
  return check_functions(tokens);
}

Result<void> check_preparation(const SqlTokens& tokens) {
  const std::string word = tokens.empty() ? "" : tokens[0].text;
  if (word == "ATTACH") {
    if (is_attached_for_reading(tokens)) return {};
    return fail(ErrorCode::InvalidQuery, "the query may only read: write ATTACH 'NAME' AS x (TYPE …, READ_ONLY)");
  }
  if (word == "USE") return {};
  if (word == "SET") return check_setting(tokens);
  if (word == "LOAD" && tokens.size() == 2) {
    const auto name = name_at(tokens, 1);
    if (name && name->find_first_of("/\\.") == std::string::npos) return {};
    return fail(ErrorCode::InvalidQuery, "the query may load an extension by its name, and not a file");
  }
  const auto bracket = std::ranges::find_if(
      tokens, [](const SqlToken& token) { return token.kind == SqlToken::Kind::Sign && token.text == "("; });
  const SqlTokens head(tokens.begin(), bracket);
  if (word == "CREATE" && has_word(head, "SECRET") && !has_word(head, "PERSISTENT") && !has_word(head, "IN") &&
      !has_word(tokens, "SELECT") && !has_word(tokens, "FROM"))
    return check_functions({bracket, tokens.end()});
  return writes(word);
}

std::size_t count_handed_through(const SqlTokens& tokens) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i)
    if (const auto name = name_at(tokens, i); name && is_sign(tokens, i + 1, "(") && hands_through(*name)) ++count;
  return count;
}

}  // namespace

Result<void> check_only_reads(const std::vector<std::string>& statements) {
  if (statements.empty()) return fail(ErrorCode::InvalidQuery, "the query is empty; give a SELECT");
  for (std::size_t i = 0; i + 1 < statements.size(); ++i)
    if (auto checked = check_preparation(sql_tokens(statements[i])); !checked) return checked;
  return check_select(sql_tokens(statements.back()));
}

Result<void> check_condition(std::string_view where) {
  const SqlTokens tokens = sql_tokens(where);
  int depth = 0;
  for (std::size_t i = 0; i < tokens.size() && depth >= 0; ++i) {
    if (is_sign(tokens, i, "(")) ++depth;
    if (is_sign(tokens, i, ")")) --depth;
    if (is_sign(tokens, i, ";")) depth = -1;
  }
  if (tokens.empty() || depth != 0)
    return fail(ErrorCode::InvalidQuery, std::format("'{}' is no condition of rows", where));
  return check_only_reads({std::format("SELECT 1 WHERE ({}\n)", where)});
}

Result<void> check_parsed(DuckDatabase& database, const std::string& select, const std::stop_token& stop) {
  // What cannot be shown as a tree (PIVOT) has no rows here, and its words were looked at.
  auto query = database.prepare(
      std::format("SELECT upper(json_extract_string(atom, '$')) FROM json_tree(json_serialize_sql({})::JSON) "
                  "WHERE key = 'function_name'",
                  sql_string(select)),
      stop);
  if (!query) return {};  // a DuckDB without its extension json
  std::size_t handed_through = 0;
  for (;;) {
    const auto rows = (*query)->next(stop);
    if (!rows) return std::unexpected(rows.error());
    if (*rows == nullptr) break;
    const auto& names = static_cast<const arrow::StringArray&>(*(*rows)->column(0));
    for (std::int64_t i = 0; i < names.length(); ++i) {
      if (names.IsNull(i)) continue;
      const std::string_view name = names.GetView(i);
      if (is_refused_function(name)) return writes(name);
      if (hands_through(name)) ++handed_through;
    }
  }
  if (handed_through > count_handed_through(sql_tokens(select))) return writes("a function that runs other SQL");
  return {};
}

Result<void> check_where(DuckDatabase& database, const std::string& where, const std::stop_token& stop) {
  return check_condition(where).and_then([&] { return check_parsed(database, "SELECT 1 WHERE " + where, stop); });
}

}  // namespace llama::internal
