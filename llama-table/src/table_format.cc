#include <array>
#include <format>
#include <string>
#include <utility>

#include "llama-table/table_reader.h"
#include "llama-table/table_writer.h"
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

// Endings that say what a file is, and of which none is written here. Any other may be a part of a name (out.v2).
constexpr std::array<std::string_view, 24> kNotWritten = {
    ".csv",  ".tsv", ".tab",  ".txt",    ".text",   ".json",    ".jsonl",  ".ndjson",
    ".xlsx", ".xls", ".ods",  ".arrows", ".npy",    ".npz",     ".pkl",    ".h5",
    ".hdf5", ".orc", ".avro", ".db",     ".sqlite", ".sqlite3", ".duckdb", ".safetensors"};

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

Result<OutputFormat> output_format_of_name(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (ending == ".gz" || ending == ".zst") ending = path.stem().extension().string() + ending;
  if (ending == ".arrow" || ending == ".feather" || ending == ".ipc") return OutputFormat::ArrowFile;
  for (const std::string_view known : kNotWritten)
    if (ending == known || (ending.starts_with(known) && (ending.ends_with(".gz") || ending.ends_with(".zst"))))
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}': no {} file is written; Parquet (.parquet) and Arrow (.arrow, .feather, .ipc) are",
                              path.string(), ending.substr(1)));
  return OutputFormat::Parquet;
}

Result<TableFormat> detect_table_format(const std::vector<std::string>& paths) {
  const auto files = internal::find_input_files(paths, std::nullopt);
  if (!files) return std::unexpected(files.error());
  return internal::format_of_files(*files);
}

}  // namespace llama
