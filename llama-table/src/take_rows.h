// Pick rows of a batch by their numbers, of whatever type its columns are.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>

namespace llama::internal {

// rows: within the batch, in the order wanted.
[[nodiscard]] arrow::Result<std::shared_ptr<arrow::RecordBatch>> take_rows(const arrow::RecordBatch& batch,
                                                                           std::span<const std::int64_t> rows);

}  // namespace llama::internal
