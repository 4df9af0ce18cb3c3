#include "read/remote_files.h"

#include <arrow/array.h>

#include <algorithm>
#include <format>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "read/s3_environment.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

bool is_remote_glob(std::string_view url) {
  return !url.starts_with("http://") && !url.starts_with("https://") && url.find_first_of("*[") != url.npos;
}

// The error of a request, with the file that it was about.
std::unexpected<Error> about(const std::string& url, Error error) {
  if (!error.message.contains(url)) error.message = std::format("'{}': {}", url, error.message);
  return std::unexpected(std::move(error));
}

Result<std::vector<std::string>> files_of_remote_glob(DuckDatabase& database, const std::string& url,
                                                      const std::stop_token& stop) {
  auto query = database.prepare(std::format("SELECT file FROM glob({}) ORDER BY file", sql_string(url)), stop);
  if (!query) return about(url, query.error());
  std::vector<std::string> files;
  for (;;) {
    auto rows = (*query)->next(stop);
    if (!rows) return about(url, rows.error());
    if (*rows == nullptr) break;
    const auto& names = static_cast<const arrow::StringArray&>(*(*rows)->column(0));
    for (std::int64_t i = 0; i < names.length(); ++i) files.emplace_back(names.GetView(i));
  }
  if (files.empty()) return fail(ErrorCode::NotFound, std::format("no file matches '{}'", url));
  return files;
}

// A request for the file's beginning, and none of its bytes.
Result<std::uint64_t> size_of_remote(DuckDatabase& database, const std::string& url, const std::stop_token& stop) {
  if (url.ends_with('/'))
    return fail(ErrorCode::NotFound, std::format("'{0}' is no file; say which: {0}*.parquet, {0}*.csv", url));
  const auto failed = [&](Error error) -> std::unexpected<Error> {
    if (error.code == ErrorCode::NotFound) error.message = std::format("'{}' does not exist", url);
    return about(url, std::move(error));
  };
  auto query = database.prepare(std::format("SELECT size::UBIGINT FROM read_blob({})", sql_string(url)), stop);
  if (!query) return failed(query.error());
  const auto rows = (*query)->next(stop);
  if (!rows) return failed(rows.error());
  if (*rows == nullptr || (*rows)->num_rows() == 0)
    return fail(ErrorCode::NotFound, std::format("'{}' does not exist", url));
  return static_cast<const arrow::UInt64Array&>(*(*rows)->column(0)).Value(0);
}

}  // namespace

Result<void> use_s3_environment(DuckDatabase& database, std::string_view text, const std::stop_token& stop) {
  if (!mentions_s3(text)) return {};
  const auto statement = s3_secret_statement(environment_of_process());
  if (!statement) return std::unexpected(statement.error());
  if (!*statement) return {};
  return database.run(**statement, stop);
}

Result<void> find_remote_files(DuckDatabase& database, InputFiles& files, const std::stop_token& stop) {
  std::vector<std::string> found;
  for (const std::string& url : files.files) {
    if (!is_remote_glob(url)) {
      found.push_back(url);
      continue;
    }
    auto matched = files_of_remote_glob(database, url, stop);
    if (!matched) return std::unexpected(matched.error());
    std::ranges::move(*matched, std::back_inserter(found));
  }
  files.files = std::move(found);
  for (const std::string& url : files.files) {
    const auto size = size_of_remote(database, url, stop);
    if (!size) return std::unexpected(size.error());
    files.remote_sizes.push_back(*size);
  }
  return {};
}

}  // namespace llama::internal
