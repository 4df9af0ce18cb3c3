// An Arrow IPC stream of a program at the other end of a pipe.
//
// Each batch is handed out as soon as it is whole, in one piece, and followed by a pause: whoever sent it may be
// waiting for its answer.
#pragma once

#include <arrow/ipc/reader.h>

#include <memory>
#include <string>
#include <vector>

#include "read/arrow_input.h"
#include "read/batch_source.h"

namespace llama::internal {

class ArrowStreamSource : public BatchSource {
 public:
  // Waits for the schema.
  [[nodiscard]] static Result<std::unique_ptr<BatchSource>> open(std::unique_ptr<InputBytes> reader,
                                                                 const std::stop_token& stop);

  [[nodiscard]] std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  [[nodiscard]] Result<void> start(const Selection& selection, const std::stop_token& stop) override;
  [[nodiscard]] Result<TableBatch> next(const std::stop_token& stop) override;
  [[nodiscard]] bool cuts_batches() const override { return false; }
  [[nodiscard]] Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return std::nullopt; }

 private:
  ArrowStreamSource() = default;
  std::string name_;
  std::shared_ptr<ArrowInput> input_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<int> columns_;
};

}  // namespace llama::internal
