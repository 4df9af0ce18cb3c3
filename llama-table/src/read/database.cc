#include "read/database.h"

#include <arrow/c/bridge.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "llama-base/own_file.h"
#include "read/duckdb_error.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

// A stop interrupts what the connection is doing. DuckDB forgets an interrupt when the next query begins, so whoever
// begins one looks at the stop again afterwards.
class InterruptOnStop {
 public:
  InterruptOnStop(const std::stop_token& stop, duckdb_connection connection) : callback_(stop, Interrupt{connection}) {}

 private:
  struct Interrupt {
    duckdb_connection connection;
    void operator()() const noexcept { duckdb_interrupt(connection); }
  };
  std::stop_callback<Interrupt> callback_;
};

std::unexpected<Error> stopped() { return fail(ErrorCode::Cancelled, "reading was stopped"); }

std::unexpected<Error> duckdb_failure(const char* message) {
  return std::unexpected(error_of_duckdb(message == nullptr ? "unknown" : message));
}

// Takes the error data along.
Result<void> checked(duckdb_error_data data) {
  if (data == nullptr) return {};
  std::optional<Error> error;
  if (duckdb_error_data_has_error(data)) error = error_of_duckdb(duckdb_error_data_message(data));
  duckdb_destroy_error_data(&data);
  if (error) return std::unexpected(*error);
  return {};
}

// The columns of a prepared query.
struct LogicalColumns {
  std::vector<std::string> names;
  std::vector<duckdb_logical_type> types;
  explicit LogicalColumns(duckdb_prepared_statement statement) {
    for (idx_t i = 0; i < duckdb_prepared_statement_column_count(statement); ++i) {
      const char* name = duckdb_prepared_statement_column_name(statement, i);
      names.emplace_back(name == nullptr ? "" : name);
      duckdb_free(const_cast<char*>(name));
      types.push_back(duckdb_prepared_statement_column_logical_type(statement, i));
    }
  }
  LogicalColumns(const LogicalColumns&) = delete;
  LogicalColumns& operator=(const LogicalColumns&) = delete;
  ~LogicalColumns() {
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
  }
};

using Settings = std::vector<std::pair<const char*, std::string>>;

// A bundle has DuckDB's extensions beside the program, in DuckDB's folders `v2.0.0/linux_amd64`. Only those in a
// distribution's own place, or signed by DuckDB's makers, load without being allowed.
void use_bundled_extensions(Settings& settings) {
  const std::filesystem::path folder = own_file().parent_path() / "duckdb";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return;
  settings.emplace_back("allow_unsigned_extensions", "true");
  settings.emplace_back("extension_directories", sql_strings({folder.string()}));
}

}  // namespace

Result<std::unique_ptr<DuckDatabase>> DuckDatabase::open(std::uint64_t memory_bytes) {
  ScratchFolder scratch = ScratchFolder::make();
  Settings settings = {
      {"memory_limit", std::format("{}B", std::max<std::uint64_t>(memory_bytes, 64 << 20))},
      {"threads", "1"},  // the caller's own: the model needs the others
      {"preserve_insertion_order", "true"},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "true"},
      {"allow_community_extensions", "false"},
      {"temp_directory", scratch.path().string()},
      {"custom_user_agent", "llama-cli"},
  };
  use_bundled_extensions(settings);
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) != DuckDBSuccess) return fail(ErrorCode::OutOfMemory, "DuckDB has no memory");
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config, name, value.c_str()) == DuckDBSuccess) continue;
    duckdb_destroy_config(&config);
    return fail(ErrorCode::Internal, std::format("DuckDB does not know the setting {}", name));
  }
  duckdb_database opened = nullptr;
  char* message = nullptr;
  const duckdb_state state = duckdb_open_ext(nullptr, &opened, config, &message);
  duckdb_destroy_config(&config);
  if (state != DuckDBSuccess) {
    auto failure = duckdb_failure(message);
    duckdb_free(message);
    return failure;
  }
  std::unique_ptr<DuckDatabase> database(new DuckDatabase());
  database->scratch_ = std::move(scratch);
  database->database_.reset(opened);
  duckdb_connection connection = nullptr;
  if (duckdb_connect(opened, &connection) != DuckDBSuccess)
    return fail(ErrorCode::Internal, "DuckDB gives no connection");
  database->connection_.reset(connection);
  if (auto set = database->run("SET TimeZone = 'UTC'", {}); !set) return std::unexpected(set.error());
  // Else an error takes 10 MB of rows before it along. A DuckDB that has no such setting does without.
  (void)database->run("SET streaming_buffer_size = '256KB'", {});
  return database;
}

Result<void> DuckDatabase::run(const std::string& sql, const std::stop_token& stop) {
  const InterruptOnStop interrupt(stop, connection_.get());
  if (stop.stop_requested()) return stopped();
  duckdb_result result{};
  const duckdb_state state = duckdb_query(connection_.get(), sql.c_str(), &result);
  std::optional<Error> error;
  if (state != DuckDBSuccess) error = error_of_duckdb(duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  if (error) return std::unexpected(*error);
  return {};
}

Result<std::unique_ptr<DatabaseQuery>> DuckDatabase::prepare_any(const std::string& sql, const std::stop_token& stop) {
  const InterruptOnStop interrupt(stop, connection_.get());
  if (stop.stop_requested()) return stopped();
  std::unique_ptr<DatabaseQuery> query(new DatabaseQuery());
  query->connection_ = connection_.get();
  duckdb_prepared_statement statement = nullptr;
  const duckdb_state state = duckdb_prepare(connection_.get(), sql.c_str(), &statement);
  query->statement_.reset(statement);
  if (stop.stop_requested()) return stopped();
  if (state != DuckDBSuccess) return duckdb_failure(duckdb_prepare_error(statement));
  if (duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT)
    return fail(ErrorCode::InvalidQuery, "the query may only read: give one SELECT");
  if (duckdb_nparams(statement) > 0)
    return fail(ErrorCode::InvalidQuery, "the query has a parameter ('?', '$1') that has no value");
  return query;
}

Result<std::unique_ptr<DatabaseQuery>> DuckDatabase::prepare(const std::string& sql, const std::stop_token& stop) {
  auto query = prepare_any(sql, stop);
  if (!query) return query;
  if (auto found = (*query)->find_schema(); !found) return std::unexpected(found.error());
  return query;
}

Result<void> DatabaseQuery::find_schema() {
  LogicalColumns columns(statement_.get());
  std::vector<const char*> names;
  for (const std::string& name : columns.names) names.push_back(name.c_str());
  duckdb_arrow_options options = nullptr;
  duckdb_connection_get_arrow_options(connection_, &options);
  options_.reset(options);
  ArrowSchema c_schema{};
  auto converted =
      checked(duckdb_to_arrow_schema(options, columns.types.data(), names.data(), names.size(), &c_schema));
  if (!converted) return converted;
  auto schema = arrow::ImportSchema(&c_schema);
  if (!schema.ok()) return fail(ErrorCode::InvalidArgument, schema.status().message());
  schema_ = std::move(*schema);
  return {};
}

DatabaseQuery::~DatabaseQuery() {
  if (result_) duckdb_destroy_result(&*result_);
}

Result<void> DatabaseQuery::begin(const std::stop_token& stop) {
  duckdb_pending_result pending = nullptr;
  duckdb_state state = duckdb_pending_prepared_streaming(statement_.get(), &pending);
  if (state != DuckDBSuccess || stop.stop_requested()) {
    std::optional<Error> error;
    if (state != DuckDBSuccess) error = error_of_duckdb(duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    if (stop.stop_requested()) return stopped();
    return std::unexpected(*error);
  }
  duckdb_result result{};
  state = duckdb_execute_pending(pending, &result);
  std::optional<Error> error;
  if (state != DuckDBSuccess) error = error_of_duckdb(duckdb_result_error(&result));
  duckdb_destroy_pending(&pending);
  if (error) {
    duckdb_destroy_result(&result);
    return std::unexpected(*error);
  }
  result_ = result;
  return {};
}

Result<std::shared_ptr<arrow::RecordBatch>> DatabaseQuery::next(const std::stop_token& stop) {
  if (is_at_end_) return nullptr;
  const InterruptOnStop interrupt(stop, connection_);
  if (stop.stop_requested()) return stopped();
  if (!result_) {
    if (auto begun = begin(stop); !begun) return std::unexpected(begun.error());
  }
  duckdb_data_chunk chunk = duckdb_fetch_chunk(*result_);
  if (chunk == nullptr) {
    is_at_end_ = true;
    const char* message = duckdb_result_error(&*result_);
    if (message != nullptr && *message != '\0') return duckdb_failure(message);
    if (stop.stop_requested()) return stopped();
    return nullptr;
  }
  ArrowArray c_array{};
  auto converted = checked(duckdb_data_chunk_to_arrow(options_.get(), chunk, &c_array));
  duckdb_destroy_data_chunk(&chunk);
  if (!converted) return std::unexpected(converted.error());
  auto batch = arrow::ImportRecordBatch(&c_array, schema_);
  if (!batch.ok()) return fail(ErrorCode::Internal, batch.status().message());
  return std::move(*batch);
}

}  // namespace llama::internal
