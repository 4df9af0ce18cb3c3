#include "embed/embed_arguments.h"

#include <charconv>
#include <format>
#include <system_error>

#include "llama-table/table_reader.h"

namespace llama {
namespace {

bool names_several(std::string_view path) {
  std::error_code ignored;
  return path.find_first_of("*?[") != path.npos || path.contains("://") || std::filesystem::is_directory(path, ignored);
}

bool is_compressed(std::string_view path) { return path.ends_with(".gz") || path.ends_with(".zst"); }

}  // namespace

bool is_plain_input(const InputArguments& input) {
  if (input.query || input.id || input.keep || input.where || input.limit || !input.columns.empty()) return false;
  if (input.paths.size() != 1) return false;
  const std::string& path = input.paths.front();
  if (input.format) return *input.format == "text" && !is_compressed(path) && !names_several(path);
  if (names_several(path) || is_compressed(path)) return false;
  if (path == "-") return true;
  const auto format = detect_table_format(input.paths);
  return !format || *format == TableFormat::Text;  // an error is the text file's own to tell
}

bool is_plain_output(const EmbedArguments& arguments) {
  const OutputArguments& output = arguments.output;
  return is_plain_input(arguments.input) && output.format.value_or("parquet") == "parquet" && output.path != "-" &&
         !output.split_rows && !output.split_size && output.dtype == "float32" && !output.dimensions &&
         !output.text_as && output.with.empty() && arguments.on_long != "chunk" && arguments.on_error != "null" &&
         !arguments.shard;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, end);
  const double scale = unit.empty() || unit == "B"    ? 1
                       : unit == "kB" || unit == "KB" ? 1e3
                       : unit == "MB" || unit == "M"  ? 1e6
                       : unit == "GB" || unit == "G"  ? 1e9
                       : unit == "TB" || unit == "T"  ? 1e12
                                                      : 0;
  if (error != std::errc() || scale == 0 || number <= 0 || number * scale < 1 || number * scale > 1e18)
    return fail(ErrorCode::InvalidArgument, std::format("'{}' is no size; write it as in 500MB or 2GB", text));
  return static_cast<std::uint64_t>(number * scale);
}

}  // namespace llama
