// Open an output: a Parquet file, an Arrow IPC file, an Arrow stream on standard output, a folder of parts.
//
// A file has its name only when it is whole and on the disk (llama-base/atomic_file.h). Metadata is Parquet's own and
// inside of the stored Arrow schema; of Arrow files in the schema and, with what close() adds, in the footer.
// Source   Arrow restores FixedSizeList only through the stored Arrow schema (apache/arrow issue 34510); a row group's
//          nested column must stay below 2 GiB for Hugging Face datasets (datasets issue 7793); rows x dimension of a
//          file stay below 2^31 (NeMo Curator).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
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
// By the ending: Parquet for any that says nothing, capitals or not.
// Errors   InvalidArgument: one of a format that is not written ("out.csv"), with those that are.
[[nodiscard]] Result<OutputFormat> output_format_of_name(const std::filesystem::path& path);
[[nodiscard]] std::optional<Compression> parse_compression(std::string_view name);

struct TableOutput {
  std::filesystem::path path;  // a file; a folder where rows are split; "-": standard output, ArrowStream alone
  OutputFormat format = OutputFormat::Parquet;
  // Nothing: Zstd in Parquet, None in Arrow (which has Zstd, Lz4 and None).
  std::optional<Compression> compression = {};
  std::int64_t row_group_rows = 10'000;  // of Parquet's row groups and an Arrow file's batches, at most; 64 MB too

  // Either or both: a folder of parts, each a whole file with the same schema; at least one, though of no rows.
  std::optional<std::uint64_t> split_rows = {};   // of a part, exactly but for the last
  std::optional<std::uint64_t> split_bytes = {};  // of a part on the disk, give or take an eighth (or 1 MB)
  std::string part_prefix = "part";               // part-00000.parquet; of a shard "part-00003-of-00008" makes
                                                  // part-00003-of-00008-00000.parquet
  // Rows x list length of a file, or of one batch in a stream, which has as many as there are rows. A part or a batch
  // ends before; a single file refuses the row. nothing: no limit.
  std::optional<std::uint64_t> max_elements = (std::uint64_t{1} << 31) - 1;

  // Replace: of parts, those with the same prefix are removed when the output is opened.
  ExistingFile existing = ExistingFile::Refuse;
  TableMetadata metadata = {};  // of a key that comes twice the last
  // Of a stream: ends the wait for a reader who takes nothing, a second later (Cancelled).
  std::stop_token stop = {};
};

// What open_table_writer() would refuse, found out before a long run: settings that contradict one another, a missing
// or read-only folder, an existing file (parts with the same prefix), a terminal for a stream.
[[nodiscard]] Result<void> check_output(const TableOutput& output);

// Remove what killed runs left of this output: files that had no name yet (.NAME.PID-NUMBER.partial).
// Requires nobody else writes this output now.
void remove_unfinished(const TableOutput& output);

// How many rows one file takes (max_elements), so that a single file of more can be refused before a long run. A stream
// takes any number.
[[nodiscard]] std::uint64_t max_rows_of_file(const TableOutput& output, const std::vector<ColumnSpec>& columns);

// The kept columns come first, those of `reader` (nothing: none), then `columns`. rename: kept columns that get
// another name, {from, to}.
//
// Errors   InvalidArgument (two columns of one name, a dimension below 1, a kept column that the format cannot hold,
//          what check_output() refuses), Io, NoSpace.
// Requires for a stream: the program ignores SIGPIPE, so that a reader that went away is an error (Io).
[[nodiscard]] Result<std::unique_ptr<RowWriter>> open_table_writer(
    TableOutput output, const RowReader* reader, const std::vector<ColumnSpec>& columns,
    const std::vector<std::pair<std::string, std::string>>& rename = {});

}  // namespace llama
