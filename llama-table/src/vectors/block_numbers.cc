#include <arrow/array.h>

#include "llama-table/vector_table.h"
#include "vectors/column_view.h"

namespace llama {
namespace {

template <class Array>
double value_at(const arrow::Array& array, std::int64_t row) {
  return static_cast<double>(static_cast<const Array&>(array).Value(row));
}

}  // namespace

std::optional<double> BlockColumn::number(std::size_t row) const {
  const arrow::Array& array = values_->array();
  const auto i = static_cast<std::int64_t>(row);
  if (array.IsNull(i)) return std::nullopt;
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return value_at<arrow::BooleanArray>(array, i);
    case arrow::Type::INT8:
      return value_at<arrow::Int8Array>(array, i);
    case arrow::Type::INT16:
      return value_at<arrow::Int16Array>(array, i);
    case arrow::Type::INT32:
      return value_at<arrow::Int32Array>(array, i);
    case arrow::Type::INT64:
      return value_at<arrow::Int64Array>(array, i);
    case arrow::Type::UINT8:
      return value_at<arrow::UInt8Array>(array, i);
    case arrow::Type::UINT16:
      return value_at<arrow::UInt16Array>(array, i);
    case arrow::Type::UINT32:
      return value_at<arrow::UInt32Array>(array, i);
    case arrow::Type::UINT64:
      return value_at<arrow::UInt64Array>(array, i);
    case arrow::Type::FLOAT:
      return value_at<arrow::FloatArray>(array, i);
    case arrow::Type::DOUBLE:
      return value_at<arrow::DoubleArray>(array, i);
    default:
      return std::nullopt;
  }
}

}  // namespace llama
