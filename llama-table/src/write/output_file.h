// Write one file, or standard output, from its first byte to its name.
//
// Errors   NoSpace, Io, OutOfMemory, of a stream Cancelled, with the output's name. After one nothing more can be
//          written.
// Threads  one at a time.
#pragma once

#include <arrow/record_batch.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "llama-base/atomic_file.h"
#include "llama-base/stoppable_output.h"
#include "llama-table/row_writer.h"
#include "table_file.h"

namespace llama::internal {

class OutputFile {
 public:
  // path: of this file, a part of output.path where rows are split; "-": the descriptor.
  [[nodiscard]] static Result<std::unique_ptr<OutputFile>> open(const std::filesystem::path& path,
                                                                const OutputSchema& schema, const TableOutput& output,
                                                                std::uint64_t group_bytes, int descriptor);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] Result<void> write(const std::shared_ptr<arrow::RecordBatch>& batch, std::uint64_t bytes);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<WrittenPart> close(const TableMetadata& late);
  [[nodiscard]] std::uint64_t expected_size() const { return file_->expected_size(); }

 private:
  OutputFile() = default;
  [[nodiscard]] Result<void> attempt(const std::function<arrow::Status()>& step);

  std::string name_;                  // for people
  std::optional<AtomicFile> atomic_;  // or:
  std::optional<StoppableOutput> stream_;
  std::shared_ptr<OutputBytes> bytes_;
  std::unique_ptr<TableFile> file_;
  std::uint64_t rows_ = 0;
};

}  // namespace llama::internal
