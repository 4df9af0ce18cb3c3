#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>

#include <format>
#include <optional>
#include <utility>

#include "read/arrow_error.h"
#include "read/arrow_file.h"
#include "read/arrow_input.h"
#include "read/byte_reader.h"
#include "read/input_files.h"

namespace llama::internal {
namespace {

enum class Access { Copied, Mapped };

// The column that a batch is opened with in the shortest time: one of a fixed width.
int shortest_column(const arrow::Schema& schema) {
  for (int i = 0; i < schema.num_fields(); ++i)
    if (arrow::is_fixed_width(schema.field(i)->type()->id())) return i;
  return 0;
}

class IpcFile : public ArrowFile {
 public:
  explicit IpcFile(std::string path, Access access = Access::Copied)
      : path_(std::move(path)), name_(std::format("file '{}'", path_)), access_(access) {}

  Result<void> open(std::vector<int> columns) {
    auto reader = reader_of(columns, arrow::default_memory_pool());
    if (!reader.ok()) return arrow_read_failure(reader.status(), name_);
    reader_ = std::move(*reader);
    columns_ = std::move(columns);
    at_ = 0;
    end_ = reader_->num_record_batches();
    return {};
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }

  Result<std::uint64_t> count() override {
    const auto rows = reader_->CountRows();
    if (!rows.ok()) return arrow_read_failure(rows.status(), name_);
    return static_cast<std::uint64_t>(*rows);
  }

  Result<std::vector<std::uint64_t>> piece_rows() override {
    std::vector<std::uint64_t> rows;
    if (reader_->schema()->num_fields() == 0) return rows;
    arrow::Result<std::shared_ptr<arrow::ipc::RecordBatchFileReader>> reader(reader_);
    if (!lies_as_it_is()) reader = reader_of({shortest_column(*reader_->schema())}, arrow::default_memory_pool());
    if (!reader.ok()) return arrow_read_failure(reader.status(), name_);
    for (int i = 0; i < (*reader)->num_record_batches(); ++i) {
      const auto batch = (*reader)->ReadRecordBatch(i);
      if (!batch.ok()) return arrow_read_failure(batch.status(), name_);
      rows.push_back(static_cast<std::uint64_t>((*batch)->num_rows()));
    }
    return rows;
  }

  // What is known only at the end of writing stands in the footer.
  TableMetadata metadata() const override {
    TableMetadata found = table_metadata(reader_->schema()->metadata().get());
    found.append_range(table_metadata(reader_->metadata().get()));
    return found;
  }

  Result<void> select(const std::vector<int>& columns) override { return open(columns); }

  Result<void> select_piece(std::size_t piece, const std::vector<int>& columns) override {
    if (lies_as_it_is()) {
      columns_ = columns;
    } else if (columns != columns_) {
      if (auto opened = open(columns); !opened) return opened;
    }
    at_ = static_cast<int>(piece);
    end_ = at_ + 1;
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    if (at_ == end_) return nullptr;
    auto batch = reader_->ReadRecordBatch(at_++);
    if (batch.ok() && lies_as_it_is()) batch = (*batch)->SelectColumns(columns_);
    if (!batch.ok()) return arrow_read_failure(batch.status(), name_);
    if (const auto status = check_values(**batch); !status.ok()) return arrow_read_failure(status, name_);
    return std::move(*batch);
  }

 private:
  // Of a mapped file that is not compressed a whole batch costs nothing, and some columns of one would be copied: Arrow
  // (25) reads them into memory of its own. Whether it is compressed is told by what the first batch allocates.
  [[nodiscard]] bool lies_as_it_is() {
    if (access_ != Access::Mapped) return false;
    if (!lies_as_it_is_) {
      arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
      const auto reader = reader_of({}, &pool);
      lies_as_it_is_ = reader.ok() && (*reader)->num_record_batches() > 0 && (*reader)->ReadRecordBatch(0).ok() &&
                       pool.total_bytes_allocated() == 0;
    }
    return *lies_as_it_is_;
  }

  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::ipc::RecordBatchFileReader>> reader_of(
      const std::vector<int>& columns, arrow::MemoryPool* pool) const {
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
    options.memory_pool = pool;
    options.use_threads = false;
    options.included_fields = columns;
    std::shared_ptr<arrow::io::RandomAccessFile> file;
    if (access_ == Access::Mapped) {
      ARROW_ASSIGN_OR_RAISE(file, arrow::io::MemoryMappedFile::Open(path_, arrow::io::FileMode::READ));
    } else {
      ARROW_ASSIGN_OR_RAISE(file, arrow::io::ReadableFile::Open(path_));
    }
    return arrow::ipc::RecordBatchFileReader::Open(file, options);
  }

  std::string path_, name_;
  Access access_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> reader_;
  std::vector<int> columns_;
  std::optional<bool> lies_as_it_is_;  // nothing: not known yet
  int at_ = 0, end_ = 0;
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

  // It can be read from its beginning alone.
  Result<std::vector<std::uint64_t>> piece_rows() override {
    if (auto opened = open({}); !opened) return std::unexpected(opened.error());
    return count().transform([](std::uint64_t rows) { return std::vector<std::uint64_t>{rows}; });
  }

  TableMetadata metadata() const override { return table_metadata(reader_->schema()->metadata().get()); }

  Result<void> select(const std::vector<int>& columns) override { return open(columns); }
  Result<void> select_piece(std::size_t, const std::vector<int>& columns) override { return open(columns); }

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

template <class File, class... A>
Result<std::unique_ptr<ArrowFile>> opened(A&&... arguments) {
  auto file = std::make_unique<File>(std::forward<A>(arguments)...);
  if (auto result = file->open({}); !result) return std::unexpected(result.error());
  return file;
}

Result<std::unique_ptr<ArrowFile>> open_any(const std::string& path, Access access) {
  if (auto checked = check_is_file(path); !checked) return std::unexpected(checked.error());
  auto reader = InputBytes::open(path);
  if (!reader) return std::unexpected(reader.error());
  if (auto looked = (*reader)->look_further({}); !looked) return std::unexpected(looked.error());
  return (*reader)->seen().starts_with("ARROW1") ? opened<IpcFile>(path, access) : opened<IpcStreamFile>(path);
}

}  // namespace

Result<std::unique_ptr<ArrowFile>> open_ipc_file(const std::string& path) { return open_any(path, Access::Copied); }

Result<std::unique_ptr<ArrowFile>> open_mapped_ipc_file(const std::string& path) {
  return open_any(path, Access::Mapped);
}

TableMetadata table_metadata(const arrow::KeyValueMetadata* metadata) {
  TableMetadata found;
  for (std::int64_t i = 0; metadata != nullptr && i < metadata->size(); ++i)
    found.emplace_back(metadata->key(i), metadata->value(i));
  return found;
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
