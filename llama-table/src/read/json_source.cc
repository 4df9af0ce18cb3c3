#include "read/json_source.h"

#include <arrow/array.h>

#include <algorithm>
#include <cstdint>
#include <format>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "read/json_fault.h"
#include "read/json_lines_source.h"
#include "read/json_structure.h"
#include "read/partition_keys.h"
#include "read/query_source.h"
#include "read/sql_text.h"
#include "read/text_lines_source.h"

namespace llama::internal {
namespace {

constexpr std::size_t kLargeObjectBytes = 128 << 20;

struct JsonLayout {
  std::string format;  // an array, objects one a line, or objects that go over lines
  std::string packing = "auto";
};

Result<JsonLayout> layout_of_json(TableFormat format, const InputFiles& files, const std::stop_token& stop) {
  if (files.is_remote) return JsonLayout{.format = format == TableFormat::JsonLines ? "newline_delimited" : "auto"};
  std::optional<bool> is_array;
  std::optional<Packing> packing;
  for (const std::string& file : files.files) {
    auto reader = InputBytes::open(file);
    if (!reader) return std::unexpected(reader.error());
    if (auto looked = (*reader)->look_further(stop); !looked) return std::unexpected(looked.error());
    if (auto text = (*reader)->check_utf8(); !text) return std::unexpected(text.error());
    const std::string_view seen = (*reader)->seen();
    const std::size_t first = seen.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    const bool begins = first != std::string_view::npos && seen[first] == '[';
    if (packing && (*packing != (*reader)->packing() || (*is_array != begins && format == TableFormat::Json)))
      return fail(
          ErrorCode::InvalidArgument,
          std::format("file '{}' is written in another way than '{}' (an array, packed)", file, files.files.front()));
    if ((*reader)->packing() != Packing::None)
      if (auto whole = check_archive(file, stop); !whole) return std::unexpected(whole.error());
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

std::string json_scan(std::string_view function, const InputFiles& files, const JsonLayout& layout,
                      std::string_view rest) {
  return std::format("{}({}, format='{}', compression='{}'{})", function,
                     files.is_remote ? sql_strings(files.files) : sql_files(files.files), layout.format, layout.packing,
                     rest);
}

struct JsonColumns {
  JsonShape shape;
  std::uint64_t rows = 0;
};

Error no_objects(const InputFiles& files) {
  return {ErrorCode::InvalidText,
          std::format("'{}' holds JSON that is no object: a row is one {{…}}", files.files.front())};
}

// Whether an object may have a number from 2^63 to 2^64 - 1.
constexpr const char* kMayHaveLarge = R"(contains(structure, 'BIGINT') AND )"
                                      R"(regexp_matches(text, '[:,\[]\s*(9[2-9]\d{17}|1[0-8]\d{18})\s*[,\]}]'))";

// One pass over all values, as a query, for a stop ends a query and not the look that read_json() takes by itself. Most
// objects are alike: a structure that was seen is not read again. Objects with numbers that a structure does not tell
// from others are looked at themselves.
Result<JsonColumns> columns_of(DuckDatabase& database, const InputFiles& files, const JsonLayout& layout,
                               std::string_view rest, const std::stop_token& stop) {
  constexpr std::size_t kMaxSeen = 10'000;
  const auto query = database.prepare(
      std::format("SELECT structure, CASE WHEN {} THEN text END FROM (SELECT coalesce(json_structure(json)::VARCHAR, "
                  "'\"NULL\"') AS structure, json::VARCHAR AS text FROM {})",
                  kMayHaveLarge, json_scan("read_json_objects", files, layout, rest)),
      stop);
  if (!query) return std::unexpected(query.error());
  JsonColumns found;
  std::unordered_set<std::string> seen;
  for (;;) {
    const auto part = (*query)->next(stop);
    if (!part) return std::unexpected(part.error());
    if (*part == nullptr) break;
    found.rows += static_cast<std::uint64_t>((*part)->num_rows());
    const auto& structures = static_cast<const arrow::StringArray&>(*(*part)->column(0));
    const auto& objects = static_cast<const arrow::StringArray&>(*(*part)->column(1));
    for (std::int64_t i = 0; i < structures.length(); ++i) {
      if (objects.IsValid(i))
        if (auto shape = shape_of_json(objects.GetView(i)); shape && shape->kind == JsonShape::Kind::Object)
          found.shape.merge(std::move(*shape));
      std::string structure(structures.GetView(i));
      if (seen.contains(structure)) continue;
      auto shape = parse_json_structure(structure);
      if (!shape) return fail(ErrorCode::Internal, "DuckDB's structure of JSON cannot be read");
      // An empty object has the structure "JSON".
      const bool is_empty = shape->kind == JsonShape::Kind::Mixed;
      if (shape->kind != JsonShape::Kind::Object && !is_empty) return std::unexpected(no_objects(files));
      if (!is_empty) found.shape.merge(std::move(*shape));
      if (seen.size() < kMaxSeen) seen.insert(std::move(structure));
    }
  }
  if (found.shape.kind == JsonShape::Kind::Mixed)
    return fail(ErrorCode::InvalidText,
                std::format("'{}' holds objects of more than 500 different keys", files.files.front()));
  if (found.shape.members.empty())
    return fail(ErrorCode::InvalidText, std::format("'{}' holds no JSON objects with keys", files.files.front()));
  return found;
}

bool is_too_large(const Error& error) { return error.message.contains("maximum_object_size"); }

// With the line.
Error explained(Error error, DuckDatabase& database, const InputFiles& files, const JsonLayout& layout,
                const std::stop_token& stop) {
  const std::size_t reason = error.message.find(": broken JSON");
  if (reason == std::string::npos || files.is_remote) return error;
  if (layout.format == "newline_delimited") {
    const std::string line = find_broken_json_line(database, files.files, stop);
    if (!line.empty()) error.message.replace(0, reason, line);
  } else {
    std::string found = find_broken_json_object(database, files.files, layout.format == "array", stop);
    if (!found.empty()) error.message = std::move(found);
  }
  return error;
}

// What a key's values become, taken out of the objects one by one.
std::string taken_out(const std::string& name, const std::string& type) {
  const std::string at = std::format("(json, {})", json_pointer(name));
  const std::string value = type == "VARCHAR" ? "json_extract_string" + at
                            : type == "JSON"  ? std::format("nullif(json_extract{}::VARCHAR, 'null')::JSON", at)
                                              : std::format("CAST(json_extract{} AS {})", at, type);
  return std::format("{} AS {}", value, sql_name(name));
}

// The rows. read_json() would take keys that differ only in capitals for one key, and refuse them.
QueryText text_of(const JsonColumns& found, const InputFiles& files, const JsonLayout& layout, std::string rest,
                  const TableInput& input) {
  const std::vector<std::string>& names = found.shape.names;
  const std::vector<std::string> keys = common_partition_keys(files.files);
  rest += std::format(", hive_types_autocast=false, hive_partitioning={}", !keys.empty());
  std::string columns;
  std::vector<std::string> expressions;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string type = found.shape.members[i].sql();
    // A wanted column of strings and others: the others as they are written.
    if (type == "JSON" && std::ranges::contains(input.columns, names[i])) type = "VARCHAR";
    columns += std::format("{}{}: {}", columns.empty() ? "" : ", ", sql_string(names[i]), sql_string(type));
    expressions.push_back(taken_out(names[i], type));
  }
  QueryText text{.from = {}, .rows = found.rows, .place = files.place()};
  if (!has_twins(names)) {
    text.from = json_scan("read_json", files, layout, std::format("{}, records='true', columns={{{}}}", rest, columns));
    return text;
  }
  for (const std::string& key : keys)
    if (!std::ranges::contains(names, key)) expressions.push_back(sql_name(key));
  text.from = json_scan("read_json_objects", files, layout, rest);
  text.expressions = std::move(expressions);
  return text;
}

// DuckDB takes an array that was cut short after a comma for a whole one.
Result<void> check_array_ends(DuckDatabase& database, const InputFiles& files, const std::stop_token& stop) {
  const auto open = find_open_array(files.files, stop);
  if (!open) return std::unexpected(open.error());
  if (open->empty()) return {};
  const std::string found = find_broken_json_object(database, {*open}, true, stop);
  return fail(ErrorCode::InvalidText,
              found.empty() ? std::format("file '{}': broken JSON: the array does not end", *open) : found);
}

}  // namespace

Result<std::unique_ptr<BatchSource>> open_json(std::unique_ptr<DuckDatabase> database, const InputFiles& files,
                                               std::unique_ptr<InputBytes> stream, const TableInput& input,
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
  std::string rest;
  auto found = columns_of(*database, files, *layout, rest, stop);
  if (!found && is_too_large(found.error())) {
    rest = std::format(", maximum_object_size={}", kLargeObjectBytes);
    found = columns_of(*database, files, *layout, rest, stop);
  }
  if (!found) return std::unexpected(explained(found.error(), *database, files, *layout, stop));
  if (layout->format == "array" && !files.is_remote)
    if (auto ends = check_array_ends(*database, files, stop); !ends) return std::unexpected(ends.error());
  return QuerySource::open(std::move(database), text_of(*found, files, *layout, std::move(rest), input), {}, stop);
}

}  // namespace llama::internal
