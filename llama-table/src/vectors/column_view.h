// A look at the cells of one column of a block.
#pragma once

#include <arrow/array.h>

#include <memory>
#include <utility>

#include "read/cell_reader.h"

namespace llama::internal {

class ColumnValuesView {
 public:
  explicit ColumnValuesView(const std::shared_ptr<arrow::Array>& array) : array_(array), cells_(array) {}
  [[nodiscard]] const arrow::Array& array() const { return *array_; }
  [[nodiscard]] const CellReader& cells() const { return cells_; }

 private:
  std::shared_ptr<arrow::Array> array_;
  CellReader cells_;
};

}  // namespace llama::internal
