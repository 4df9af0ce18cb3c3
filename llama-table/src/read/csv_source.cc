#include "read/csv_source.h"

#include <arrow/array.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <format>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "read/column_choice.h"
#include "read/csv_header.h"
#include "read/csv_types.h"
#include "read/partition_keys.h"
#include "read/pipe_feed.h"
#include "read/query_source.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxHeaderBytes = 16 << 20;
// DuckDB holds a row in a buffer, and two buffers. Most files need no more than its own 32 MB; a row that is larger
// takes part in a second try.
constexpr std::size_t kLargeRowBytes = 256 << 20, kPipeRowBytes = 128 << 20;

struct CsvLayout {
  CsvHeader header;
  Packing packing = Packing::None;
  bool is_utf16 = false;
};

Result<CsvLayout> layout_of(InputBytes& reader, std::optional<char> separator, const std::stop_token& stop) {
  for (;;) {
    const auto more = reader.look_further(stop);
    if (!more) return std::unexpected(more.error());
    if (!*more || has_csv_header(reader.seen()) || reader.seen().size() > kMaxHeaderBytes) break;
  }
  auto header = read_csv_header(reader.seen(), separator, reader.name());
  if (!header) return std::unexpected(header.error());
  return CsvLayout{std::move(*header), reader.packing(), reader.is_utf16()};
}

// Of a URL the first lines, as DuckDB fetches them.
Result<CsvLayout> layout_of_url(DuckDatabase& database, const std::string& url, std::optional<char> separator,
                                const std::stop_token& stop) {
  const std::string sql = std::format(
      "SELECT coalesce(string_agg(line, chr(10)), '') || chr(10) FROM (SELECT line FROM read_csv({}, "
      "auto_detect=false, "
      "delim='\\x01', quote='', escape='', header=false, strict_mode=false, columns={{'line': 'VARCHAR'}}) LIMIT 20)",
      sql_string(url));
  auto query = database.prepare(sql, stop);
  if (!query) return std::unexpected(query.error());
  auto rows = (*query)->next(stop);
  if (!rows) return std::unexpected(rows.error());
  const auto text = (*rows)->column(0)->GetScalar(0);
  if (!text.ok()) return fail(ErrorCode::Internal, text.status().message());
  auto header = read_csv_header((*text)->ToString(), separator, std::format("'{}'", url));
  if (!header) return std::unexpected(header.error());
  return CsvLayout{std::move(*header), Packing::None, false};
}

std::string names_of(const CsvHeader& header) {
  std::string out;
  for (const std::string& name : header.names) out += std::format("{}'{}'", out.empty() ? "" : ", ", name);
  return out;
}

// All files have the header of the first.
Result<CsvLayout> common_layout(DuckDatabase& database, const InputFiles& files, std::optional<char> separator,
                                const std::stop_token& stop) {
  std::optional<CsvLayout> first;
  for (const std::string& file : files.files) {
    Result<CsvLayout> layout = fail(ErrorCode::Internal, "");
    if (files.is_remote) {
      layout = layout_of_url(database, file, separator, stop);
    } else {
      auto reader = InputBytes::open(file);
      if (!reader) return std::unexpected(reader.error());
      layout = layout_of(**reader, separator, stop);
    }
    if (!layout) return layout;
    if (!first) {
      first = std::move(*layout);
      continue;
    }
    if (layout->header.names != first->header.names)
      return fail(ErrorCode::InvalidArgument,
                  std::format("file '{}' has other columns than '{}': {}, not {}", file, files.files.front(),
                              names_of(layout->header), names_of(first->header)));
    if (layout->header.separator != first->header.separator || layout->is_utf16 != first->is_utf16 ||
        layout->packing != first->packing)
      return fail(ErrorCode::InvalidArgument,
                  std::format("file '{}' is written in another way than '{}' (separator, encoding or packing)", file,
                              files.files.front()));
    if (layout->header.escape == '\\') first->header.escape = '\\';
  }
  return std::move(*first);
}

std::string scan_of(const std::vector<std::string>& paths, const CsvLayout& layout, bool is_remote,
                    std::optional<std::size_t> row_bytes) {
  std::string columns;
  for (const std::string& name : layout.header.names)
    columns += std::format("{}{}: 'VARCHAR'", columns.empty() ? "" : ", ", sql_string(name));
  std::string sql = std::format(
      "read_csv({}, auto_detect=false, delim={}, quote='\"', escape={}, header=true, skip=0, comment='', "
      "strict_mode=true, null_padding=false, allow_quoted_nulls=false, hive_partitioning={}, "
      "hive_types_autocast=false, columns={{{}}}",
      sql_strings(paths), layout.header.separator == '\t' ? "'\\t'" : sql_string({&layout.header.separator, 1}),
      sql_string({&layout.header.escape, 1}), common_partition_keys(paths).empty() ? "false" : "true", columns);
  if (!is_remote)
    sql += std::format(", compression='{}'", layout.packing == Packing::Gzip   ? "gzip"
                                             : layout.packing == Packing::Zstd ? "zstd"
                                                                               : "none");
  if (row_bytes) sql += std::format(", max_line_size={0}, buffer_size={0}", *row_bytes);
  return sql + ")";
}

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
  auto layout = layout_of(*stream, separator, stop);
  if (!layout) return std::unexpected(layout.error());
  if (auto there = check_names(layout->header.names, input); !there) return std::unexpected(there.error());
  layout->packing = Packing::None;
  auto feed = PipeFeed::start(std::move(stream));
  if (!feed) return std::unexpected(feed.error());
  QueryText text{.from = scan_of({(*feed)->path()}, *layout, false, kPipeRowBytes)};
  return QuerySource::open(std::move(database), std::move(text), std::move(*feed), stop);
}

}  // namespace

Result<std::unique_ptr<BatchSource>> open_csv(std::unique_ptr<DuckDatabase> database, const InputFiles& files,
                                              std::unique_ptr<InputBytes> stream, const TableInput& input,
                                              TableFormat format, const std::stop_token& stop) {
  const std::optional<char> separator = format == TableFormat::Tsv ? std::optional('\t') : std::nullopt;
  if (stream) return open_csv_stream(std::move(database), std::move(stream), separator, input, stop);
  const auto layout = common_layout(*database, files, separator, stop);
  if (!layout) return std::unexpected(layout.error());
  if (layout->is_utf16) {
    // DuckDB knows half of UTF-16 (no pairs of surrogates), so it gets what we decoded.
    if (files.files.size() > 1)
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' and others are UTF-16; convert them first (iconv -t UTF-8)", files.files.front()));
    auto reader = InputBytes::open(files.files.front());
    if (!reader) return std::unexpected(reader.error());
    return open_csv_stream(std::move(database), std::move(*reader), separator, input, stop);
  }
  std::vector<std::string> names = layout->header.names;
  std::ranges::move(common_partition_keys(files.files), std::back_inserter(names));
  if (auto there = check_names(names, input); !there) return std::unexpected(there.error());
  const std::string cores = std::format("SET threads = {}", std::max(1u, std::thread::hardware_concurrency()));
  if (auto set = database->run(cores, stop); !set) return std::unexpected(set.error());
  std::string from = scan_of(files.files, *layout, files.is_remote, std::nullopt);
  const std::vector<bool> matters = columns_that_matter(layout->header, input);
  const auto limit = input.where.empty() ? input.limit : std::nullopt;
  auto types = find_csv_types(*database, from, layout->header.names, matters, limit, stop);
  if (!types && may_be_a_large_row(types.error())) {
    if (auto set = database->run("SET threads = 1", stop); !set) return std::unexpected(set.error());
    std::string large = scan_of(files.files, *layout, files.is_remote, kLargeRowBytes);
    if (auto again = find_csv_types(*database, large, layout->header.names, matters, limit, stop)) {
      types = std::move(again);
      from = std::move(large);
    }
  }
  if (!types) return std::unexpected(types.error());
  if (auto set = database->run("SET threads = 1", stop); !set) return std::unexpected(set.error());
  QueryText text{.from = std::move(from),
                 .expressions = typed_columns(layout->header, *types),
                 .rows = types->rows,
                 .place = files.place()};
  for (const std::string& key : common_partition_keys(files.files))
    if (!std::ranges::contains(layout->header.names, key)) text.expressions.push_back(sql_name(key));
  if (limit) text.rows.reset();
  return QuerySource::open(std::move(database), std::move(text), nullptr, stop);
}

}  // namespace llama::internal
