#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>

#include <format>
#include <utility>

#include "read/arrow_error.h"
#include "read/arrow_file.h"
#include "read/arrow_input.h"
#include "read/byte_reader.h"

namespace llama::internal {
namespace {

class IpcFile : public ArrowFile {
 public:
  explicit IpcFile(std::string path) : path_(std::move(path)), name_(std::format("file '{}'", path_)) {}

  Result<void> open(std::vector<int> columns) {
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.included_fields = std::move(columns);
    auto file = arrow::io::ReadableFile::Open(path_);
    if (!file.ok()) return arrow_read_failure(file.status(), name_);
    auto reader = arrow::ipc::RecordBatchFileReader::Open(*file, options);
    if (!reader.ok()) return arrow_read_failure(reader.status(), name_);
    reader_ = std::move(*reader);
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }

  Result<std::uint64_t> count() override {
    const auto rows = reader_->CountRows();
    if (!rows.ok()) return arrow_read_failure(rows.status(), name_);
    return static_cast<std::uint64_t>(*rows);
  }

  Result<void> select(const std::vector<int>& columns) override { return open(columns); }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    if (at_ == reader_->num_record_batches()) return nullptr;
    auto batch = reader_->ReadRecordBatch(at_++);
    if (!batch.ok()) return arrow_read_failure(batch.status(), name_);
    if (const auto status = check_values(**batch); !status.ok()) return arrow_read_failure(status, name_);
    return std::move(*batch);
  }

 private:
  std::string path_, name_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
  int at_ = 0;
};

// A stream that was stored as a file.
class IpcStreamFile : public ArrowFile {
 public:
  explicit IpcStreamFile(std::string path) : path_(std::move(path)), name_(std::format("file '{}'", path_)) {}

  Result<void> open(std::vector<int> columns) {
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.included_fields = std::move(columns);
    auto file = InputBytes::open(path_);
    if (!file) return std::unexpected(file.error());
    auto reader = arrow::ipc::RecordBatchStreamReader::Open(std::make_shared<ArrowInput>(std::move(*file)), options);
    if (!reader.ok()) return arrow_read_failure(reader.status(), name_);
    reader_ = std::move(*reader);
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }

  Result<std::uint64_t> count() override {
    for (std::uint64_t rows = 0;;) {
      auto batch = next();
      if (!batch) return std::unexpected(batch.error());
      if (*batch == nullptr) return rows;
      rows += static_cast<std::uint64_t>((*batch)->num_rows());
    }
  }

  Result<void> select(const std::vector<int>& columns) override { return open(columns); }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    arrow::Status status = reader_->ReadNext(&batch);
    if (status.ok() && batch != nullptr) status = check_values(*batch);
    if (!status.ok()) return arrow_read_failure(status, name_);
    return batch;
  }

 private:
  std::string path_, name_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
};

template <class File>
Result<std::unique_ptr<ArrowFile>> opened(const std::string& path) {
  auto file = std::make_unique<File>(path);
  if (auto result = file->open({}); !result) return std::unexpected(result.error());
  return file;
}

}  // namespace

Result<std::unique_ptr<ArrowFile>> open_ipc_file(const std::string& path) {
  auto reader = InputBytes::open(path);
  if (!reader) return std::unexpected(reader.error());
  if (auto looked = (*reader)->look_further({}); !looked) return std::unexpected(looked.error());
  return (*reader)->seen().starts_with("ARROW1") ? opened<IpcFile>(path) : opened<IpcStreamFile>(path);
}

arrow::Status check_values(const arrow::RecordBatch& batch) {
  ARROW_RETURN_NOT_OK(batch.Validate());
  for (const auto& column : batch.columns()) {
    arrow::Status status = column->ValidateFull();
    if (!status.ok() && !status.message().contains("UTF8")) return status;
  }
  return arrow::Status::OK();
}

}  // namespace llama::internal
