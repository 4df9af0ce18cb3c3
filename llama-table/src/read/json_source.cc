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

std::string json_scan(std::string_view function, const std::vector<std::string>& paths, const JsonLayout& layout,
                      std::string_view rest) {
  return std::format("{}({}, format='{}', compression='{}'{})", function, sql_strings(paths), layout.format,
                     layout.packing, rest);
}

struct JsonColumns {
  JsonShape shape;
  std::uint64_t rows = 0;
};

Error no_objects(const InputFiles& files) {
  return {ErrorCode::InvalidText,
          std::format("'{}' holds JSON that is no object: a row is one {{…}}", files.files.front())};
}

// One pass over all values, as a query, for a stop ends a query and not the look that read_json() takes by itself. Most
// objects are alike: a structure that was seen is not read again.
Result<JsonColumns> columns_of(DuckDatabase& database, const InputFiles& files, const JsonLayout& layout,
                               std::string_view rest, const std::stop_token& stop) {
  constexpr std::size_t kMaxSeen = 10'000;
  const auto query = database.prepare(std::format("SELECT coalesce(json_structure(json)::VARCHAR, '\"NULL\"') FROM {}",
                                                  json_scan("read_json_objects", files.files, layout, rest)),
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
    for (std::int64_t i = 0; i < structures.length(); ++i) {
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
  std::string columns;
  for (std::size_t i = 0; i < found->shape.members.size(); ++i) {
    const std::string name = found->shape.names[i], type = found->shape.members[i].sql();
    // A wanted column of strings and others: the others as they are written.
    const bool is_wanted = std::ranges::contains(input.columns, name);
    columns += std::format("{}{}: {}", columns.empty() ? "" : ", ", sql_string(name),
                           sql_string(type == "JSON" && is_wanted ? "VARCHAR" : type));
  }
  rest += std::format(", records='true', hive_types_autocast=false, hive_partitioning={}, columns={{{}}}",
                      common_partition_keys(files.files).empty() ? "false" : "true", columns);
  QueryText text{
      .from = json_scan("read_json", files.files, *layout, rest), .rows = found->rows, .place = files.place()};
  return QuerySource::open(std::move(database), std::move(text), {}, stop);
}

}  // namespace llama::internal
