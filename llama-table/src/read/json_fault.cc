#include "read/json_fault.h"

#include <arrow/builder.h>
#include <arrow/record_batch.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <format>
#include <memory>
#include <string_view>

#include "read/batch_view.h"
#include "read/byte_reader.h"
#include "read/json_elements.h"
#include "read/text_lines_source.h"

namespace llama::internal {
namespace {

constexpr const char* kIsBroken = "NOT json_valid(text)";

// The first of some values that is no JSON; their number where all are, or DuckDB cannot be asked.
std::size_t first_broken(DuckDatabase& database, const std::vector<JsonElement>& values, const std::stop_token& stop) {
  arrow::StringBuilder texts;
  arrow::Status status;
  for (const JsonElement& value : values)
    if (status.ok()) status = texts.Append(value.text);
  std::shared_ptr<arrow::Array> column;
  if (status.ok()) status = texts.Finish(&column);
  if (!status.ok() || values.empty()) return values.size();
  const auto rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("text", arrow::utf8())}), column->length(), {column});
  const auto broken = rows_where(database, *rows, kIsBroken, stop);
  return broken && !broken->empty() ? static_cast<std::size_t>(broken->front()) : values.size();
}

std::string broken_object_of(DuckDatabase& database, const std::string& file, bool is_array,
                             const std::stop_token& stop) {
  auto reader = InputBytes::open(file);
  if (!reader) return "";
  const auto told = [&](std::uint64_t line, std::string_view what) {
    return std::format("file '{}', line {}: broken JSON: {}", file, line, what);
  };
  JsonElements elements(is_array);
  std::array<char, 1 << 16> buffer{};
  for (;;) {
    std::vector<JsonElement> values;
    const auto count = (*reader)->read(buffer, stop);
    if (!count) return "";
    elements.append({buffer.data(), *count}, values);
    if (*count == 0) elements.end(values);
    if (const std::size_t at = first_broken(database, values, stop); at < values.size())
      return told(values[at].line, "the object that begins here");
    if (elements.fault()) return told(elements.fault()->line, elements.fault()->what);
    if (*count == 0) return "";
  }
}

}  // namespace

std::string find_broken_json_line(DuckDatabase& database, const std::vector<std::string>& files,
                                  const std::stop_token& stop) {
  for (const std::string& file : files) {
    TextLinesSource lines({file}, nullptr);
    for (;;) {
      const auto batch = lines.next(stop);
      if (!batch) return "";
      if (batch->rows->num_rows() > 0) {
        const auto broken = rows_where(database, *batch->rows, kIsBroken, stop);
        if (!broken) return "";
        if (!broken->empty())
          return std::format("file '{}', {}", file,
                             lines.name_of(batch->numbers[static_cast<std::size_t>(broken->front())]));
      }
      if (batch->state == RowState::End) break;
    }
  }
  return "";
}

std::string find_broken_json_object(DuckDatabase& database, const std::vector<std::string>& files, bool is_array,
                                    const std::stop_token& stop) {
  for (const std::string& file : files)
    if (std::string found = broken_object_of(database, file, is_array, stop); !found.empty()) return found;
  return "";
}

Result<std::string> find_open_array(const std::vector<std::string>& files, const std::stop_token& stop) {
  std::array<char, 1 << 16> buffer{};
  for (const std::string& file : files) {
    auto reader = InputBytes::open(file);
    if (!reader) return std::unexpected(reader.error());
    char last = ' ';
    for (;;) {
      const auto count = (*reader)->read(buffer, stop);
      if (!count) return std::unexpected(count.error());
      if (*count == 0) break;
      const std::string_view bytes(buffer.data(), *count);
      if (const std::size_t at = bytes.find_last_not_of(" \t\r\n"); at != bytes.npos) last = bytes[at];
    }
    if (last != ']') return file;
  }
  return "";
}

}  // namespace llama::internal
