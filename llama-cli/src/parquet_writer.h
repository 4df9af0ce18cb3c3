// Write results to an Apache Parquet file that any reader understands.
//
// Columns  text (utf8), text_hash (utf8), embedding (fixed_size_list<float32, dimension>), sequence_length (uint32),
//          processing_time_ms (uint64); zstd; no dictionary; the Arrow schema is kept, with key-value metadata.
// Rows are written as they come, in row groups of at most 10,000 rows or 64 MB. The file has a temporary name in its
// own folder until close() renames it, so an interrupted run leaves nothing that looks finished.
// Errors   Io, with the file's name and the system's reason.
// Threads  one at a time.
// Source   Arrow restores FixedSizeList only through the stored Arrow schema (apache/arrow issue 34510).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-embedding/embedding_result.h"
#include "llama-table/table_writer.h"

namespace llama {

struct ParquetSummary {
  std::uint64_t rows = 0;
  std::uint64_t size_bytes = 0;
};

class ParquetWriter {
 public:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  // What open() would refuse, found out before a long run: a missing or read-only folder, an existing file.
  [[nodiscard]] static Result<void> check_output(const std::filesystem::path& path, ExistingFile existing);

  [[nodiscard]] static Result<ParquetWriter> open(const std::filesystem::path& path, std::int32_t dimension,
                                                  const Metadata& metadata, ExistingFile existing);
  // Without close() the file is discarded.
  ~ParquetWriter();
  ParquetWriter(ParquetWriter&&) noexcept;
  ParquetWriter& operator=(ParquetWriter&&) noexcept;

  // Errors   also InvalidArgument for a vector of another dimension.
  [[nodiscard]] Result<void> write_batch(std::span<const EmbeddingResult> results);
  [[nodiscard]] Result<void> flush();  // hand buffered rows to the file
  // late: what is known only at the end of the run; it joins open()'s metadata.
  [[nodiscard]] Result<ParquetSummary> close(const Metadata& late = {});

 private:
  struct State;
  explicit ParquetWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace llama
