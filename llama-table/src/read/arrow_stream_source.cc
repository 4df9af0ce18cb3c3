#include "read/arrow_stream_source.h"

#include <utility>

#include "read/arrow_error.h"
#include "read/arrow_file.h"

namespace llama::internal {

Result<std::unique_ptr<BatchSource>> ArrowStreamSource::open(std::unique_ptr<InputBytes> reader,
                                                             const std::stop_token& stop) {
  std::unique_ptr<ArrowStreamSource> source(new ArrowStreamSource());
  source->name_ = reader->name();
  source->input_ = std::make_shared<ArrowInput>(std::move(reader));
  source->input_->set_stop(stop);
  arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  auto opened = arrow::ipc::RecordBatchStreamReader::Open(source->input_, options);
  if (!opened.ok()) {
    if (source->input_->error()) return std::unexpected(*source->input_->error());
    return arrow_read_failure(opened.status(), source->name_ + " as an Arrow stream");
  }
  source->reader_ = std::move(*opened);
  source->schema_ = source->reader_->schema();
  return source;
}

Result<void> ArrowStreamSource::start(const Selection& selection, const std::stop_token&) {
  columns_ = selection.columns;
  return {};
}

Result<TableBatch> ArrowStreamSource::next(const std::stop_token& stop) {
  TableBatch batch;
  input_->set_stop(stop);
  std::shared_ptr<arrow::RecordBatch> rows;
  arrow::Status status = reader_->ReadNext(&rows);
  if (status.ok() && rows != nullptr) status = check_values(*rows);
  if (!status.ok()) {
    if (input_->error()) return std::unexpected(*input_->error());
    return arrow_read_failure(status, name_ + " as an Arrow stream");
  }
  if (rows == nullptr) {
    batch.state = RowState::End;
    return batch;
  }
  auto selected = rows->SelectColumns(columns_);
  if (!selected.ok()) return arrow_read_failure(selected.status(), name_);
  batch.rows = std::move(*selected);
  batch.state = RowState::Pause;
  return batch;
}

}  // namespace llama::internal
