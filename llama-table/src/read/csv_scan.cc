#include "read/csv_scan.h"

#include <algorithm>
#include <array>
#include <format>
#include <memory>
#include <utility>

#include "read/csv_line_ends.h"
#include "read/partition_keys.h"
#include "read/sql_text.h"

namespace llama::internal {
namespace {

// DuckDB holds a row in a buffer, and two buffers. Most files need no more than its own 32 MB; a row that is larger
// takes part in a second try.
constexpr std::size_t kLargeRowBytes = 256 << 20, kPipeRowBytes = 128 << 20;
constexpr std::ptrdiff_t kMaxFed = 100;  // each has a thread and three open files

Result<std::unique_ptr<PipeFeed>> feed_of(std::unique_ptr<InputBytes> reader, const CsvHeader& header) {
  return PipeFeed::start(std::move(reader),
                         [ends = CsvLineEnds(header.separator, header.escape)](
                             std::string_view bytes, std::string& out) mutable { ends.append(bytes, out); });
}

}  // namespace

CsvScan::CsvScan(CsvLayout layout, std::vector<std::string> files, bool is_remote)
    : layout_(std::move(layout)),
      files_(std::move(files)),
      is_fed_(files_.size(), layout_.is_utf16 || layout_.header.has_line_break),
      is_remote_(is_remote) {}

Result<CsvScan> CsvScan::of_stream(std::unique_ptr<InputBytes> stream, CsvLayout layout) {
  auto feed = feed_of(std::move(stream), layout.header);
  if (!feed) return std::unexpected(feed.error());
  CsvScan scan(std::move(layout), {(*feed)->path()}, false);
  scan.is_fed_ = {true};
  scan.is_stream_ = true;
  scan.feeds_.add(std::move(*feed));
  return scan;
}

Result<CsvScan> CsvScan::of_files(const InputFiles& files, CsvLayout layout) {
  CsvScan scan(std::move(layout), files.files, files.is_remote);
  if (auto checked = scan.check_fed(); !checked) return std::unexpected(checked.error());
  return scan;
}

Result<void> CsvScan::check_fed() const {
  const auto fed = std::ranges::find(is_fed_, true);
  if (fed == is_fed_.end()) return {};
  const std::string& file = files_[static_cast<std::size_t>(fed - is_fed_.begin())];
  const std::string what = layout_.is_utf16                ? "is UTF-16; convert it first (iconv -t UTF-8)"
                           : layout_.header.has_line_break ? "has a line break in a column's name; give it another"
                                                           : "has lines that end with \\r; convert it first (dos2unix)";
  if (!common_partition_keys(files_).empty())
    return fail(ErrorCode::InvalidArgument, std::format("file '{}', in a folder with a key, {}", file, what));
  if (std::ranges::count(is_fed_, true) > kMaxFed)
    return fail(ErrorCode::InvalidArgument, std::format("file '{}', as too many others, {}", file, what));
  return {};
}

Result<std::string> CsvScan::sql() {
  std::vector<std::string> paths = files_;
  const bool has_fed = std::ranges::contains(is_fed_, true);
  if (has_fed && !is_stream_) {
    feeds_ = {};
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (!is_fed_[i]) continue;
      auto reader = InputBytes::open(files_[i]);
      if (!reader) return std::unexpected(reader.error());
      auto feed = feed_of(std::move(*reader), layout_.header);
      if (!feed) return std::unexpected(feed.error());
      paths[i] = (*feed)->path();
      feeds_.add(std::move(*feed));
    }
  }
  std::string columns;
  for (const std::string& name : layout_.header.names)
    columns += std::format("{}{}: 'VARCHAR'", columns.empty() ? "" : ", ", sql_string(name));
  const bool has_keys = !has_fed && !common_partition_keys(paths).empty();
  std::string sql = std::format(
      "read_csv({}, auto_detect=false, delim={}, quote='\"', escape={}, header=true, skip=0, comment='', "
      "strict_mode=true, null_padding=false, allow_quoted_nulls=false, hive_partitioning={}, "
      "hive_types_autocast=false, columns={{{}}}",
      is_remote_ ? sql_strings(paths) : sql_files(paths),
      layout_.header.separator == '\t' ? "'\\t'" : sql_string({&layout_.header.separator, 1}),
      sql_string({&layout_.header.escape, 1}), has_keys, columns);
  if (!is_remote_)
    sql += std::format(", compression='{}'", has_fed                            ? "none"
                                             : layout_.packing == Packing::Gzip ? "gzip"
                                             : layout_.packing == Packing::Zstd ? "zstd"
                                                                                : "none");
  // What it would take of the first line is wrong where that is within a name's quotes.
  if (has_fed && !std::ranges::contains(is_fed_, false)) sql += ", new_line='\\n'";
  if (has_fed || has_large_rows_)
    sql += std::format(", max_line_size={0}, buffer_size={0}", has_fed ? kPipeRowBytes : kLargeRowBytes);
  return sql + ")";
}

Result<bool> CsvScan::feed_returns(const std::stop_token& stop) {
  if (is_remote_ || is_stream_) return false;
  std::vector<bool> fed = is_fed_;
  std::array<char, 1 << 16> buffer{};
  std::string ignored;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (fed[i]) continue;
    auto reader = InputBytes::open(files_[i]);
    if (!reader) return std::unexpected(reader.error());
    CsvLineEnds ends(layout_.header.separator, layout_.header.escape);
    for (;;) {
      const auto count = (*reader)->read(buffer, stop);
      if (!count) return std::unexpected(count.error());
      if (*count == 0 || ends.has_returns()) break;
      ignored.clear();
      ends.append({buffer.data(), *count}, ignored);
    }
    fed[i] = ends.has_returns();
  }
  if (fed == is_fed_) return false;
  // A packed file and the bytes of a pipe do not go into one query.
  if (layout_.packing != Packing::None) fed.assign(files_.size(), true);
  is_fed_ = std::move(fed);
  if (auto checked = check_fed(); !checked) return std::unexpected(checked.error());
  return true;
}

}  // namespace llama::internal
