// A table that DuckDB reads: a file function, or a user's query.
//
// Errors   error_of_duckdb()'s.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "read/batch_source.h"
#include "read/database.h"
#include "read/pipe_feed.h"

namespace llama::internal {

// What is read, as SQL.
struct QueryText {
  std::string from;                           // "read_csv([…])"; of a user's query: the query
  bool is_query = false;                      // from is a SELECT
  std::vector<std::string> expressions = {};  // of the columns, each with AS; empty: all of them as they are
  std::optional<std::uint64_t> rows = {};     // if that is known
  bool may_count = true;                      // counting is a scan and no more
  std::string place = {};                     // for people: what is at the other end of a network
  std::vector<std::string> notes = {};        // for people
};

class QuerySource : public BatchSource {
 public:
  // feeds: what `from` reads, where that are pipes; their end by an error is the source's.
  [[nodiscard]] static Result<std::unique_ptr<BatchSource>> open(std::unique_ptr<DuckDatabase> database, QueryText text,
                                                                 PipeFeeds feeds, const std::stop_token& stop);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] bool finds_rows() const override { return true; }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) override;
  [[nodiscard]] std::vector<std::string> notes() const override { return text_.notes; }

 private:
  QuerySource() = default;
  [[nodiscard]] std::string all_rows() const;
  [[nodiscard]] Error told(Error error) const;

  PipeFeeds feeds_;  // outlive the query
  std::unique_ptr<DuckDatabase> database_;
  std::unique_ptr<DatabaseQuery> query_;
  QueryText text_;
  std::string selected_;                        // the query's SQL
  bool is_whole_ = true;                        // no condition
  std::optional<std::vector<int>> projection_;  // of a query of which all columns are read
  std::optional<std::uint64_t> limit_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace llama::internal
