#include "read/json_source.h"

#include <algorithm>
#include <format>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "read/json_lines_source.h"
#include "read/partition_keys.h"
#include "read/query_source.h"
#include "read/sql_text.h"
#include "read/text_lines_source.h"

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
  return std::format("read_json({}, format='{}', records='true'{})", sql_strings(paths), format, rest);
}

struct JsonLayout {
  std::string format;  // an array, objects one a line, or objects that go over lines
  std::string packing = "auto";
};

Result<JsonLayout> layout_of_json(TableFormat format, const InputFiles& files, const std::stop_token& stop) {
  if (files.is_remote) return JsonLayout{.format = format == TableFormat::JsonLines ? "newline_delimited" : "auto"};
  std::optional<bool> is_array;
  std::optional<Packing> packing;
  for (const std::string& file : files.files) {
    auto reader = ByteReader::open(file);
    if (!reader) return std::unexpected(reader.error());
    if (auto looked = (*reader)->look_further(stop); !looked) return std::unexpected(looked.error());
    const std::string_view seen = (*reader)->seen();
    const std::size_t first = seen.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    const bool begins = first != std::string_view::npos && seen[first] == '[';
    if (packing && (*packing != (*reader)->packing() || (*is_array != begins && format == TableFormat::Json)))
      return fail(
          ErrorCode::InvalidArgument,
          std::format("file '{}' is written in another way than '{}' (an array, packed)", file, files.files.front()));
    is_array = begins;
    packing = (*reader)->packing();
  }
  return JsonLayout{.format = format == TableFormat::JsonLines ? "newline_delimited"
                              : is_array.value_or(false)       ? "array"
                                                               : "unstructured",
                    .packing = packing == Packing::Gzip   ? "gzip"
                               : packing == Packing::Zstd ? "zstd"
                                                          : "none"};
}

bool is_too_large(const Error& error) { return error.message.contains("maximum_object_size"); }

// DuckDB's number of a broken line may be one too high; and it says "records" to objects.
Error explained(Error error, Database& database, const InputFiles& files, TableFormat format,
                const std::stop_token& stop) {
  if (error.message.contains("expected records"))
    return {ErrorCode::InvalidText,
            std::format("'{}' holds JSON that is no object: a row is one {{…}}", files.files.front())};
  const std::size_t reason = error.message.find(": broken JSON");
  if (reason == std::string::npos || format != TableFormat::JsonLines || files.is_remote) return error;
  const std::string line = find_broken_json_line(database, files.files, stop);
  if (!line.empty()) error.message.replace(0, reason, line);
  return error;
}

}  // namespace

Result<std::unique_ptr<BatchSource>> open_json(std::unique_ptr<Database> database, const InputFiles& files,
                                               std::unique_ptr<ByteReader> stream, const TableInput& input,
                                               TableFormat format, const std::stop_token& stop) {
  if (stream && format == TableFormat::JsonLines) {
    auto lines = std::make_unique<TextLinesSource>(files.files, std::move(stream));
    return JsonLinesSource::open(std::move(lines), std::move(database), input, stop);
  }
  if (stream)
    return fail(
        ErrorCode::InvalidArgument,
        std::format("{} is a JSON array, which cannot be read from a pipe; name a file, or give one object a line "
                    "(jq -c '.[]')",
                    stream->name()));
  const auto layout = layout_of_json(format, files, stop);
  if (!layout) return std::unexpected(layout.error());
  std::string rest = std::format(", compression='{}'", layout->packing);
  const auto look = [&] {
    const std::string all =
        ", sample_size=-1, maximum_sample_files=1000000000, union_by_name=true, hive_partitioning=false" + rest;
    return database->types_of(std::format("SELECT * FROM {}", json_scan(files.files, layout->format, all)),
                              json_type_sql, stop);
  };
  auto types = look();
  if (!types && is_too_large(types.error())) {
    rest += std::format(", maximum_object_size={}", kLargeObjectBytes);
    types = look();
  }
  if (!types) return std::unexpected(explained(types.error(), *database, files, format, stop));
  std::string columns;
  for (const auto& [name, type] : *types) {
    // A wanted column of strings and others: the others as they are written.
    const bool is_wanted = std::ranges::contains(input.columns, name);
    columns += std::format("{}{}: {}", columns.empty() ? "" : ", ", sql_string(name),
                           sql_string(type == "JSON" && is_wanted ? "VARCHAR" : type));
  }
  QueryText text{
      .from = json_scan(files.files, layout->format,
                        std::format(", hive_types_autocast=false, hive_partitioning={}, columns={{{}}}{}",
                                    common_partition_keys(files.files).empty() ? "false" : "true", columns, rest))};
  return QuerySource::open(std::move(database), std::move(text), nullptr, stop);
}

}  // namespace llama::internal
