#include "output_file.h"

#include <arrow/status.h>

#include <exception>
#include <format>
#include <new>

namespace llama::internal {

OutputFile::~OutputFile() {
  if (bytes_ != nullptr) bytes_->abandon();
}

// Parquet's classes throw where Arrow's return a status.
Result<void> OutputFile::attempt(const std::function<arrow::Status()>& step) {
  arrow::Status status;
  try {
    status = step();
  } catch (const std::bad_alloc&) {
    status = arrow::Status::OutOfMemory("no memory is left");
  } catch (const std::exception& exception) {
    status = arrow::Status::IOError(exception.what());
  }
  if (status.ok()) return {};
  auto error = output_error(name_, status, bytes_.get());
  bytes_->abandon();
  return error;
}

Result<std::unique_ptr<OutputFile>> OutputFile::open(const std::filesystem::path& path, const OutputSchema& schema,
                                                     const TableOutput& output, std::uint64_t group_bytes,
                                                     int descriptor) {
  std::unique_ptr<OutputFile> made(new OutputFile());
  OutputFile* file = made.get();
  if (path == "-") {
    made->name_ = "standard output";
    made->stream_.emplace(descriptor);
    made->bytes_ = std::make_shared<OutputBytes>([file, stop = output.stop](std::string_view bytes) {
      return put_to_output(*file->stream_, file->name_, bytes, stop);
    });
  } else {
    made->name_ = std::format("output '{}'", path.string());
    auto atomic = AtomicFile::create(path, {.replace = output.existing == ExistingFile::Replace});
    if (!atomic) return std::unexpected(atomic.error());
    made->atomic_.emplace(std::move(*atomic));
    made->bytes_ = std::make_shared<OutputBytes>([file](std::string_view bytes) {
      auto written = file->atomic_->write(bytes);
      if (!written) written.error().message.insert(0, "output ");
      return written;
    });
  }
  auto opened = made->attempt([&]() -> arrow::Status {
    auto table = output.format == OutputFormat::Parquet ? open_parquet_output(schema, output, group_bytes, made->bytes_)
                                                        : open_arrow_output(schema, output, made->bytes_);
    ARROW_RETURN_NOT_OK(table.status());
    made->file_ = std::move(*table);
    return arrow::Status::OK();
  });
  if (!opened) return std::unexpected(opened.error());
  return made;
}

Result<void> OutputFile::write(const std::shared_ptr<arrow::RecordBatch>& batch, std::uint64_t bytes) {
  rows_ += static_cast<std::uint64_t>(batch->num_rows());
  return attempt([&] { return file_->write(batch, bytes); });
}

Result<void> OutputFile::flush() {
  return attempt([&] { return bytes_->Flush(); });
}

Result<WrittenPart> OutputFile::close(const TableMetadata& late) {
  auto closed = attempt([&]() -> arrow::Status {
    ARROW_RETURN_NOT_OK(file_->close(late));
    return bytes_->Close();
  });
  if (!closed) return std::unexpected(closed.error());
  WrittenPart part{.rows = rows_, .size_bytes = bytes_->position()};
  if (!atomic_) return part;
  part.path = atomic_->path();
  if (auto committed = atomic_->commit(); !committed) return std::unexpected(committed.error());
  return part;
}

}  // namespace llama::internal
