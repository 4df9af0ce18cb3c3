#include "read/json_source.h"

#include <algorithm>
#include <format>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "read/pipe_feed.h"
#include "read/query_source.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

constexpr std::size_t kLargeObjectBytes = 256 << 20;

// Free what DuckDB's C interface hands out.
std::string taken(char* text) {
  std::string out = text == nullptr ? "" : text;
  duckdb_free(text);
  return out;
}

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  [[nodiscard]] duckdb_logical_type get() const { return type_; }

 private:
  duckdb_logical_type type_;
};

// The type of a JSON value as SQL, with strings left strings.
std::string json_type_sql(duckdb_logical_type type) {
  if (taken(duckdb_logical_type_get_alias(type)) == "JSON") return "JSON";
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return "BOOLEAN";
    case DUCKDB_TYPE_BIGINT:
      return "BIGINT";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT:
      return "HUGEINT";
    case DUCKDB_TYPE_DOUBLE:
      return "DOUBLE";
    case DUCKDB_TYPE_LIST:
      return json_type_sql(LogicalType(duckdb_list_type_child_type(type)).get()) + "[]";
    case DUCKDB_TYPE_MAP:
      return std::format("MAP(VARCHAR, {})", json_type_sql(LogicalType(duckdb_map_type_value_type(type)).get()));
    case DUCKDB_TYPE_STRUCT: {
      std::string members;
      for (idx_t i = 0; i < duckdb_struct_type_child_count(type); ++i) {
        const std::string name = taken(duckdb_struct_type_child_name(type, i));
        members += std::format("{}{} {}", members.empty() ? "" : ", ", sql_name(name),
                               json_type_sql(LogicalType(duckdb_struct_type_child_type(type, i)).get()));
      }
      return std::format("STRUCT({})", members);
    }
    default:
      return "VARCHAR";
  }
}

std::string json_scan(const std::vector<std::string>& paths, std::string_view format, std::string_view rest) {
  return std::format("read_json({}, format='{}', records='true', hive_partitioning=false{})", sql_strings(paths),
                     format, rest);
}

// An array, objects one a line, or objects that go over lines.
Result<std::string> written_as(TableFormat format, const InputFiles& files, const std::stop_token& stop) {
  if (format == TableFormat::JsonLines) return "newline_delimited";
  if (files.is_remote) return "auto";
  std::optional<bool> is_array;
  for (const std::string& file : files.files) {
    auto reader = ByteReader::open(file);
    if (!reader) return std::unexpected(reader.error());
    if (auto looked = (*reader)->look_further(stop); !looked) return std::unexpected(looked.error());
    const std::string_view seen = (*reader)->seen();
    const std::size_t first = seen.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    const bool begins = first != std::string_view::npos && seen[first] == '[';
    if (is_array && *is_array != begins) return "auto";
    is_array = begins;
  }
  return is_array.value_or(false) ? "array" : "unstructured";
}

bool is_too_large(const Error& error) { return error.message.contains("maximum_object_size"); }

}  // namespace

Result<std::unique_ptr<BatchSource>> open_json(std::unique_ptr<Database> database, const InputFiles& files,
                                               std::unique_ptr<ByteReader> stream, const TableInput& input,
                                               TableFormat format, const std::stop_token& stop) {
  if (stream) {
    auto feed = PipeFeed::start(std::move(stream));
    if (!feed) return std::unexpected(feed.error());
    // No date has such a format, so none is found.
    QueryText text{.from = json_scan({(*feed)->path()}, format == TableFormat::JsonLines ? "newline_delimited" : "auto",
                                     ", dateformat='none', timestampformat='none'")};
    return QuerySource::open(std::move(database), std::move(text), std::move(*feed), stop);
  }
  const auto written = written_as(format, files, stop);
  if (!written) return std::unexpected(written.error());
  std::string size;
  const auto look = [&] {
    return database->types_of(
        std::format("SELECT * FROM {}",
                    json_scan(files.files, *written,
                              ", sample_size=-1, maximum_sample_files=1000000000, union_by_name=true" + size)),
        json_type_sql, stop);
  };
  auto types = look();
  if (!types && is_too_large(types.error())) {
    size = std::format(", maximum_object_size={}", kLargeObjectBytes);
    types = look();
  }
  if (!types) return std::unexpected(types.error());
  std::string columns;
  for (const auto& [name, type] : *types) {
    // A wanted column of strings and others: the others as they are written.
    const bool is_wanted = std::ranges::contains(input.columns, name);
    columns += std::format("{}{}: {}", columns.empty() ? "" : ", ", sql_string(name),
                           sql_string(type == "JSON" && is_wanted ? "VARCHAR" : type));
  }
  QueryText text{.from = json_scan(files.files, *written, std::format(", columns={{{}}}{}", columns, size))};
  return QuerySource::open(std::move(database), std::move(text), nullptr, stop);
}

}  // namespace llama::internal
