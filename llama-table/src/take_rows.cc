#include "take_rows.h"

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>

#include <utility>

namespace llama::internal {
namespace {

// Rows that follow each other are one slice, and the slices are joined. Cost: a small allocation for each slice.
arrow::Result<std::shared_ptr<arrow::Array>> join_slices(const arrow::Array& column,
                                                         std::span<const std::int64_t> rows) {
  arrow::ArrayVector slices;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin + 1;
    while (end < rows.size() && rows[end] == rows[end - 1] + 1) ++end;
    slices.push_back(column.Slice(rows[begin], static_cast<std::int64_t>(end - begin)));
    begin = end;
  }
  return arrow::Concatenate(slices);
}

}  // namespace

// Arrow 25 takes no rows of views of strings (what Polars writes), on whatever level: "Function 'array_take' has no
// kernel matching input types (string_view, int64)". Joining can everything.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> take_rows(const arrow::RecordBatch& batch,
                                                             std::span<const std::int64_t> rows) {
  if (rows.empty()) return batch.Slice(0, 0);
  const auto count = static_cast<std::int64_t>(rows.size());
  arrow::Int64Builder numbers;
  ARROW_RETURN_NOT_OK(numbers.AppendValues(rows.data(), count));
  ARROW_ASSIGN_OR_RAISE(const auto indices, numbers.Finish());
  arrow::ArrayVector columns;
  for (const auto& column : batch.columns()) {
    auto taken = arrow::compute::Take(*column, *indices, arrow::compute::TakeOptions::NoBoundsCheck());
    if (!taken.ok() && taken.status().IsNotImplemented()) taken = join_slices(*column, rows);
    ARROW_ASSIGN_OR_RAISE(auto array, std::move(taken));
    columns.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(batch.schema(), count, std::move(columns));
}

}  // namespace llama::internal
