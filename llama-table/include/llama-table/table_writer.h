// Open an output: a Parquet file, an Arrow IPC file, an Arrow stream on standard output, a folder of parts.
//
// A file has its name only when it is whole and on the disk (llama-base/atomic_file.h).
// Source   Arrow restores FixedSizeList only through the stored Arrow schema (apache/arrow issue 34510); a row group's
//          nested column must stay below 2 GiB for Hugging Face datasets (datasets issue 7793); rows x dimension of a
//          file stay below 2^31 (NeMo Curator).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row_reader.h"
#include "llama-table/row_writer.h"

namespace llama {

enum class OutputFormat { Parquet, ArrowFile, ArrowStream };
enum class Compression { Zstd, Snappy, Gzip, Lz4, None };
enum class ExistingFile { Refuse, Replace };

[[nodiscard]] std::optional<OutputFormat> parse_output_format(std::string_view name);
[[nodiscard]] std::optional<Compression> parse_compression(std::string_view name);

struct TableOutput {
  std::filesystem::path path;  // a file; a folder where rows are split; "-": standard output, ArrowStream alone
  OutputFormat format = OutputFormat::Parquet;
  Compression compression = Compression::Zstd;
  std::int64_t row_group_rows = 10'000;  // at most; 64 MB at most too
  std::optional<std::uint64_t> split_rows, split_bytes;  // either: a folder of parts
  std::string part_prefix = "part";  // part-00000.parquet; of a shard "part-00003-of-00008" makes
                                     // part-00003-of-00008-00000.parquet
  ExistingFile existing = ExistingFile::Refuse;
  bool page_index = true;  // Parquet's; the plain call has none
  TableMetadata metadata;
};

// What open_table_writer() would refuse, found out before a long run: a missing or read-only folder, an existing file.
[[nodiscard]] Result<void> check_output(const TableOutput& output);

// The kept columns come first, those of `reader` (nothing: none), then `columns`. rename: kept columns that get
// another name, {from, to}.
//
// Errors   InvalidArgument (two columns of one name, a dimension below 1), Io, NoSpace.
[[nodiscard]] Result<std::unique_ptr<RowWriter>> open_table_writer(
    TableOutput output, const RowReader* reader, std::vector<ColumnSpec> columns,
    const std::vector<std::pair<std::string, std::string>>& rename = {});

}  // namespace llama
