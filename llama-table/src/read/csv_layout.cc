#include "read/csv_layout.h"

#include <arrow/array.h>
#include <arrow/scalar.h>

#include <format>
#include <string>
#include <utility>

#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kMaxHeaderBytes = 16 << 20;

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
  if (header->has_line_break)
    return fail(ErrorCode::InvalidText,
                std::format("'{}': a column's name has a line break in it; fetch the file and name that", url));
  return CsvLayout{std::move(*header), Packing::None, false};
}

std::string names_of(const CsvHeader& header) {
  std::string out;
  for (const std::string& name : header.names) out += std::format("{}'{}'", out.empty() ? "" : ", ", name);
  return out;
}

}  // namespace

Result<CsvLayout> csv_layout_of(InputBytes& reader, std::optional<char> separator, const std::stop_token& stop) {
  for (;;) {
    const auto more = reader.look_further(stop);
    if (!more) return std::unexpected(more.error());
    if (!*more || has_csv_header(reader.seen()) || reader.seen().size() > kMaxHeaderBytes) break;
  }
  auto header = read_csv_header(reader.seen(), separator, reader.name());
  if (!header) return std::unexpected(header.error());
  return CsvLayout{std::move(*header), reader.packing(), reader.is_utf16()};
}

Result<CsvLayout> common_csv_layout(DuckDatabase& database, const InputFiles& files, std::optional<char> separator,
                                    const std::stop_token& stop) {
  std::optional<CsvLayout> first;
  for (const std::string& file : files.files) {
    Result<CsvLayout> layout = fail(ErrorCode::Internal, "");
    if (files.is_remote) {
      layout = layout_of_url(database, file, separator, stop);
    } else {
      auto reader = InputBytes::open(file);
      if (!reader) return std::unexpected(reader.error());
      layout = csv_layout_of(**reader, separator, stop);
      if (layout && layout->packing != Packing::None)
        if (auto whole = check_archive(file, stop); !whole) return std::unexpected(whole.error());
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

}  // namespace llama::internal
