#include <arrow/array.h>

#include <format>
#include <utility>

#include "read/attached_database.h"
#include "read/open_source.h"
#include "read/query_check.h"
#include "read/query_source.h"
#include "read/remote_files.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

// The databases that are attached, for people. Whatever the words said, none of them may be written.
Result<std::string> names_of_attached(DuckDatabase& database, const std::stop_token& stop) {
  auto query = database.prepare(
      "SELECT database_name, readonly FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory'", stop);
  if (!query) return std::unexpected(query.error());
  std::string names;
  int count = 0;
  for (;;) {
    const auto rows = (*query)->next(stop);
    if (!rows) return std::unexpected(rows.error());
    if (*rows == nullptr) break;
    const auto& name = static_cast<const arrow::StringArray&>(*(*rows)->column(0));
    const auto& is_readonly = static_cast<const arrow::BooleanArray&>(*(*rows)->column(1));
    for (std::int64_t i = 0; i < name.length(); ++i, ++count) {
      if (!is_readonly.Value(i))
        return fail(
            ErrorCode::InvalidQuery,
            std::format("the query may only read: database '{}' is attached without READ_ONLY", name.GetView(i)));
      names += std::format("{}'{}'", count == 0 ? "" : " or ", name.GetView(i));
    }
  }
  return count == 0 ? "" : "database " + names;
}

Result<void> attach_databases(DuckDatabase& database, const std::vector<std::string>& attach,
                              const std::stop_token& stop) {
  std::vector<AttachedDatabase> databases;
  for (const std::string& text : attach) {
    auto parsed = parse_attached_database(text);
    if (!parsed) return std::unexpected(parsed.error());
    databases.push_back(std::move(*parsed));
  }
  for (const std::string& statement : attach_statements(databases))
    if (auto run = database.run(statement, stop); !run) return run;
  return {};
}

}  // namespace

Result<std::unique_ptr<BatchSource>> open_query(std::unique_ptr<DuckDatabase> database, const std::string& sql,
                                                const std::vector<std::string>& attach, const std::stop_token& stop) {
  std::vector<std::string> statements = split_statements(sql);
  if (auto checked = check_only_reads(statements); !checked) return std::unexpected(checked.error());
  if (auto prepared = use_s3_environment(*database, sql, stop); !prepared) return std::unexpected(prepared.error());
  if (auto done = attach_databases(*database, attach, stop); !done) return std::unexpected(done.error());
  for (std::size_t i = 0; i + 1 < statements.size(); ++i)
    if (auto run = database->run(statements[i], stop); !run) return std::unexpected(run.error());
  auto attached = names_of_attached(*database, stop);
  if (!attached) return std::unexpected(attached.error());
  if (auto checked = check_parsed(*database, statements.back(), stop); !checked)
    return std::unexpected(checked.error());
  QueryText text{
      .from = std::move(statements.back()), .is_query = true, .may_count = false, .place = std::move(*attached)};
  return QuerySource::open(std::move(database), std::move(text), {}, stop);
}

}  // namespace llama::internal
