// Hold the kept columns of one batch: an Arrow record batch and nothing else.
//
// Its schema has the fields' names, types, nullability and metadata as they came.
#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <utility>

namespace llama::internal {

class KeptRows {
 public:
  explicit KeptRows(std::shared_ptr<arrow::RecordBatch> batch) : batch_(std::move(batch)) {}
  [[nodiscard]] const std::shared_ptr<arrow::RecordBatch>& batch() const { return batch_; }

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
};

}  // namespace llama::internal
