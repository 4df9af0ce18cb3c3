#include "read/query_source.h"

#include <arrow/array.h>

#include <algorithm>
#include <format>
#include <utility>

#include "read/query_check.h"
#include "read/sql_text.h"

namespace llama::internal {

std::string QuerySource::all_rows() const {
  if (text_.is_query) return text_.from;
  std::string columns;
  for (const std::string& expression : text_.expressions) columns += (columns.empty() ? "" : ", ") + expression;
  return std::format("SELECT {} FROM {}", columns.empty() ? "*" : columns, text_.from);
}

// A dead line has no name.
Error QuerySource::told(Error error) const {
  const bool is_file = error.code == ErrorCode::NotFound || error.code == ErrorCode::Io;
  const bool is_far =
      error.code == ErrorCode::Network || error.code == ErrorCode::AccessDenied || (is_file && !text_.is_query);
  if (is_far && !text_.place.empty() && !error.message.contains("://"))
    error.message = std::format("{}: {}", text_.place, error.message);
  if (text_.is_query && error.code == ErrorCode::NotFound) error.message = std::format("the query: {}", error.message);
  return feeds_.told(std::move(error));
}

Result<std::unique_ptr<BatchSource>> QuerySource::open(std::unique_ptr<DuckDatabase> database, QueryText text,
                                                       PipeFeeds feeds, const std::stop_token& stop) {
  std::unique_ptr<QuerySource> source(new QuerySource());
  source->feeds_ = std::move(feeds);
  source->database_ = std::move(database);
  source->text_ = std::move(text);
  source->selected_ = source->all_rows();
  // The bytes of a pipe are not there a second time for an end that was stopped: nothing waits for them then.
  const std::stop_callback stops(stop, [&] { source->feeds_.stop(); });
  auto query = source->database_->prepare(source->selected_, stop);
  if (!query) return std::unexpected(source->told(query.error()));
  source->query_ = std::move(*query);
  source->schema_ = source->query_->schema();
  return source;
}

// A user's query stays as it is where nothing is asked of it: its ORDER BY is its own.
Result<void> QuerySource::start(const Selection& selection, const std::stop_token& stop) {
  is_whole_ = selection.where.empty();
  limit_ = selection.limit;
  if (text_.is_query && is_whole_) {
    projection_ = selection.columns;
    return {};
  }
  std::string columns;
  if (has_twins(schema_->field_names())) {
    // A name would be the first column's of that name.
    projection_ = selection.columns;
    columns = "*";
  }
  for (const int column : selection.columns)
    if (!projection_) columns += (columns.empty() ? "" : ", ") + sql_name(schema_->field(column)->name());
  if (columns.empty()) columns = "1";
  std::string sql = std::format("SELECT {} FROM ({}\n)", columns, all_rows());
  if (!selection.where.empty()) {
    if (auto checked = check_where(*database_, selection.where, stop); !checked) return checked;
    sql += std::format(" WHERE ({}\n)", selection.where);
  }
  if (selection.limit) sql += std::format(" LIMIT {}", *selection.limit);
  selected_ = std::move(sql);
  query_.reset();
  auto query = database_->prepare(selected_, stop);
  if (!query) return std::unexpected(told(query.error()));
  query_ = std::move(*query);
  return {};
}

Result<TableBatch> QuerySource::next(const std::stop_token& stop) {
  TableBatch batch;
  const std::stop_callback stops(stop, [&] { feeds_.stop(); });
  auto rows = query_->next(stop);
  if (!rows) return std::unexpected(told(rows.error()));
  if (*rows == nullptr) {
    if (auto error = feeds_.error()) return std::unexpected(*error);
    batch.state = RowState::End;
  }
  batch.rows = std::move(*rows);
  if (!projection_ || batch.rows == nullptr) return batch;
  auto projected = batch.rows->SelectColumns(*projection_);
  if (!projected.ok()) return fail(ErrorCode::Internal, projected.status().message());
  batch.rows = std::move(*projected);
  return batch;
}

Result<std::optional<std::uint64_t>> QuerySource::count(const std::stop_token& stop) {
  const auto limited = [&](std::uint64_t rows) { return std::min(rows, limit_.value_or(rows)); };
  if (text_.rows && is_whole_) return limited(*text_.rows);
  if (!text_.may_count || !feeds_.is_empty()) return std::nullopt;
  auto query = database_->prepare(std::format("SELECT count(*) FROM ({}\n)", selected_), stop);
  if (!query) return std::unexpected(told(query.error()));
  auto rows = (*query)->next(stop);
  if (!rows) return std::unexpected(told(rows.error()));
  if (*rows == nullptr || (*rows)->num_rows() == 0) return std::nullopt;
  const auto& counts = static_cast<const arrow::Int64Array&>(*(*rows)->column(0));
  return static_cast<std::uint64_t>(counts.Value(0));
}

}  // namespace llama::internal
