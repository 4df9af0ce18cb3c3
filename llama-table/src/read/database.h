// Run SQL in a DuckDB of our own: in memory, few threads, UTC, nothing installed or downloaded.
//
// Errors   those of error_of_duckdb(); Cancelled soon after a stop is requested.
// Threads  one at a time.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "read/scratch_folder.h"

namespace llama::internal {

struct CloseDatabase {
  void operator()(duckdb_database database) const noexcept { duckdb_close(&database); }
};
struct CloseConnection {
  void operator()(duckdb_connection connection) const noexcept { duckdb_disconnect(&connection); }
};
struct DestroyStatement {
  void operator()(duckdb_prepared_statement statement) const noexcept { duckdb_destroy_prepare(&statement); }
};
struct DestroyArrowOptions {
  void operator()(duckdb_arrow_options options) const noexcept { duckdb_destroy_arrow_options(&options); }
};
template <class Pointer, class Deleter>
using DuckdbHandle = std::unique_ptr<std::remove_pointer_t<Pointer>, Deleter>;

// A SELECT that is prepared, and then read to its end as a stream.
class DatabaseQuery {
 public:
  ~DatabaseQuery();
  DatabaseQuery(const DatabaseQuery&) = delete;
  DatabaseQuery& operator=(const DatabaseQuery&) = delete;

  [[nodiscard]] const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  // About 2,000 rows; nothing at the end.
  [[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> next(const std::stop_token& stop);

 private:
  friend class DuckDatabase;
  DatabaseQuery() = default;
  Result<void> find_schema();
  Result<void> begin(const std::stop_token& stop);

  duckdb_connection connection_ = nullptr;  // the database's
  DuckdbHandle<duckdb_prepared_statement, DestroyStatement> statement_;
  DuckdbHandle<duckdb_arrow_options, DestroyArrowOptions> options_;
  std::shared_ptr<arrow::Schema> schema_;
  std::optional<duckdb_result> result_;  // from the first next()
  bool is_at_end_ = false;
};

class DuckDatabase {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DuckDatabase>> open(std::uint64_t memory_bytes);

  // InvalidQuery for anything but a query. The database must live longer.
  [[nodiscard]] Result<std::unique_ptr<DatabaseQuery>> prepare(const std::string& sql, const std::stop_token& stop);

  // A statement without a result.
  [[nodiscard]] Result<void> run(const std::string& sql, const std::stop_token& stop);

  [[nodiscard]] duckdb_connection connection() const { return connection_.get(); }

 private:
  DuckDatabase() = default;
  Result<std::unique_ptr<DatabaseQuery>> prepare_any(const std::string& sql, const std::stop_token& stop);
  ScratchFolder scratch_;  // goes after the database
  DuckdbHandle<duckdb_database, CloseDatabase> database_;
  DuckdbHandle<duckdb_connection, CloseConnection> connection_;
};

}  // namespace llama::internal
