#include <array>
#include <utility>

#include "llama-table/table_reader.h"
#include "read/input_files.h"

namespace llama {
namespace {

constexpr std::array<std::pair<std::string_view, TableFormat>, 8> kFormats = {{
    {"text", TableFormat::Text},
    {"csv", TableFormat::Csv},
    {"tsv", TableFormat::Tsv},
    {"json", TableFormat::Json},
    {"jsonl", TableFormat::JsonLines},
    {"parquet", TableFormat::Parquet},
    {"arrow", TableFormat::ArrowStream},
    {"feather", TableFormat::ArrowFile},
}};

}  // namespace

std::optional<TableFormat> parse_table_format(std::string_view name) {
  for (const auto& [known, format] : kFormats)
    if (known == name) return format;
  return std::nullopt;
}

std::string_view to_string(TableFormat format) {
  for (const auto& [name, known] : kFormats)
    if (known == format) return name;
  return "";
}

Result<TableFormat> detect_table_format(const std::vector<std::string>& paths) {
  const auto files = internal::find_input_files(paths, std::nullopt);
  if (!files) return std::unexpected(files.error());
  return internal::format_of_files(*files);
}

}  // namespace llama
