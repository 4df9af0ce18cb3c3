#include "read/csv_source.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "read/column_choice.h"
#include "read/csv_layout.h"
#include "read/csv_scan.h"
#include "read/csv_types.h"
#include "read/duckdb_error.h"
#include "read/partition_keys.h"
#include "read/query_source.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

// Of columns that are neither kept nor looked at by a condition only those that are wanted matter: they must be text.
std::vector<bool> columns_that_matter(const CsvHeader& header, const TableInput& input) {
  std::vector<bool> matters(header.names.size(),
                            input.keep == Keep::All || !input.where.empty() || input.columns.empty());
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    const std::string& name = header.names[i];
    if (std::ranges::contains(input.columns, name) || std::ranges::contains(input.keep_columns, name) ||
        input.id == name)
      matters[i] = true;
  }
  return matters;
}

bool may_be_a_large_row(const Error& error) {
  return error.message.contains("a quote opens") || error.message.contains("aximum line size");
}
bool may_be_line_ends(const Error& error) { return may_be_a_large_row(error) || error.message.contains(kNoCsv); }

std::vector<std::string> typed_columns(const CsvHeader& header, const CsvTypes& types) {
  std::vector<std::string> expressions;
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    const std::string name = sql_name(header.names[i]);
    expressions.push_back(
        types.types[i] == "VARCHAR" ? name : std::format("CAST({} AS {}) AS {}", name, types.types[i], name));
  }
  return expressions;
}

Result<std::unique_ptr<BatchSource>> open_csv_stream(std::unique_ptr<DuckDatabase> database,
                                                     std::unique_ptr<InputBytes> stream, std::optional<char> separator,
                                                     const TableInput& input, const std::stop_token& stop) {
  auto layout = csv_layout_of(*stream, separator, stop);
  if (!layout) return std::unexpected(layout.error());
  if (auto there = check_names(layout->header.names, input); !there) return std::unexpected(there.error());
  std::vector<std::string> notes = layout->header.notes;
  auto scan = CsvScan::of_stream(std::move(stream), std::move(*layout));
  if (!scan) return std::unexpected(scan.error());
  auto from = scan->sql();
  if (!from) return std::unexpected(from.error());
  return QuerySource::open(std::move(database), {.from = std::move(*from), .notes = std::move(notes)},
                           std::move(scan->feeds()), stop);
}

// The first look at all rows. What DuckDB gives up at is tried again as it costs more: with buffers for large rows,
// then with the ends of all records alike. Its own first error is told where nothing helps.
Result<CsvTypes> look_at_all(DuckDatabase& database, CsvScan& scan, const CsvHeader& header, const TableInput& input,
                             std::optional<std::uint64_t> limit, const std::stop_token& stop) {
  const std::vector<bool> matters = columns_that_matter(header, input);
  const auto look = [&](unsigned threads) -> Result<CsvTypes> {
    if (auto set = database.run(std::format("SET threads = {}", threads), stop); !set)
      return std::unexpected(set.error());
    auto types = find_csv_types(database, scan, header.names, matters, limit, stop);
    if (!types) types.error() = scan.feeds().told(types.error());
    return types;
  };
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  auto types = look(cores);
  if (!types && may_be_a_large_row(types.error())) {
    scan.allow_large_rows(true);
    if (auto again = look(1)) {
      types = std::move(again);
    } else {
      scan.allow_large_rows(false);
    }
  }
  if (!types && may_be_line_ends(types.error())) {
    const auto fed = scan.feed_returns(stop);
    if (!fed) return std::unexpected(fed.error());
    if (*fed) types = look(cores);
  }
  return types;
}

}  // namespace

Result<std::unique_ptr<BatchSource>> open_csv(std::unique_ptr<DuckDatabase> database, const InputFiles& files,
                                              std::unique_ptr<InputBytes> stream, const TableInput& input,
                                              TableFormat format, const std::stop_token& stop) {
  const std::optional<char> separator = format == TableFormat::Tsv ? std::optional('\t') : std::nullopt;
  if (stream) return open_csv_stream(std::move(database), std::move(stream), separator, input, stop);
  const auto layout = common_csv_layout(*database, files, separator, stop);
  if (!layout) return std::unexpected(layout.error());
  const CsvHeader& header = layout->header;
  std::vector<std::string> names = header.names;
  std::ranges::move(common_partition_keys(files.files), std::back_inserter(names));
  if (auto there = check_names(names, input); !there) return std::unexpected(there.error());
  auto scan = CsvScan::of_files(files, *layout);
  if (!scan) return std::unexpected(scan.error());
  const auto limit = input.where.empty() ? input.limit : std::nullopt;
  const auto types = look_at_all(*database, *scan, header, input, limit, stop);
  if (!types) return std::unexpected(types.error());
  if (auto set = database->run("SET threads = 1", stop); !set) return std::unexpected(set.error());
  auto from = scan->sql();
  if (!from) return std::unexpected(from.error());
  QueryText text{.from = std::move(*from),
                 .expressions = typed_columns(header, *types),
                 .rows = types->rows,
                 .place = files.place(),
                 .notes = header.notes};
  for (const std::string& key : common_partition_keys(files.files))
    if (!std::ranges::contains(header.names, key)) text.expressions.push_back(sql_name(key));
  if (limit) text.rows.reset();
  return QuerySource::open(std::move(database), std::move(text), std::move(scan->feeds()), stop);
}

}  // namespace llama::internal
