// Parquet or Arrow IPC files, one after the other as one table; all have the same columns. What their folders say of
// them (partition_keys.h) are columns too.
//
// Errors   InvalidArgument: a file with other columns than the first, by name or type.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "read/arrow_file.h"
#include "read/batch_source.h"

namespace llama::internal {

using OpenArrowFile = Result<std::unique_ptr<ArrowFile>> (*)(const std::string& path);

class ArrowFilesSource : public BatchSource {
 public:
  // Looks at every file's columns.
  [[nodiscard]] static Result<std::unique_ptr<BatchSource>> open(std::vector<std::string> files,
                                                                 OpenArrowFile open_file, const std::stop_token& stop);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token& stop) override;

 private:
  ArrowFilesSource() = default;
  std::vector<std::string> files_;
  OpenArrowFile open_file_ = nullptr;
  std::size_t at_ = 0;  // the next file to open
  std::unique_ptr<ArrowFile> file_;
  std::shared_ptr<arrow::Schema> schema_;  // of the files, then the keys of their folders
  std::shared_ptr<arrow::Schema> selected_;
  std::vector<int> columns_;       // of the files
  std::vector<std::string> keys_;  // of the folders, wanted
};

// The rows of a file with what its folders say of them: columns `keys` of `schema`, after the file's own.
[[nodiscard]] Result<std::shared_ptr<arrow::RecordBatch>> with_partition_keys(
    const arrow::RecordBatch& rows, const std::string& path, const std::vector<std::string>& keys,
    const std::shared_ptr<arrow::Schema>& schema);

// Nullable are the columns that are so in either; both have the same.
[[nodiscard]] std::shared_ptr<arrow::Schema> with_nulls_of(std::shared_ptr<arrow::Schema> first,
                                                           const arrow::Schema& other);

// What is different, for people: "it lacks 'x'"; "" where the columns are the same, whatever their order is not.
[[nodiscard]] std::string difference_of(const arrow::Schema& first, const arrow::Schema& other);

}  // namespace llama::internal
