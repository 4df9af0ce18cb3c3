// Build the computed columns of a batch from plain values.
//
// Threads  one at a time.
#pragma once

#include <arrow/array.h>
#include <arrow/buffer_builder.h>
#include <arrow/builder.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "llama-table/column.h"
#include "llama-table/row_writer.h"

namespace llama::internal {

// fixed_size_list<element: float not null>[dimension] and the like.
[[nodiscard]] std::shared_ptr<arrow::DataType> arrow_type(const ColumnSpec& spec);

// Entries of a vector's list: its dimensions, or bytes of bits.
[[nodiscard]] std::int32_t list_length(const ColumnSpec& spec);

class ComputedColumn {
 public:
  explicit ComputedColumn(ColumnSpec spec);
  [[nodiscard]] const ColumnSpec& spec() const { return spec_; }

  [[nodiscard]] std::size_t count(const ColumnValues& values) const;  // rows
  // Errors   InvalidArgument: not `rows` values, a null that the column cannot have.
  [[nodiscard]] Result<void> check(const ColumnValues& values, std::size_t rows) const;
  // Value i of values that were checked; adds the bytes that it takes in memory.
  [[nodiscard]] arrow::Status append(const ColumnValues& values, std::size_t i, std::uint64_t& bytes);
  [[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> finish();

 private:
  [[nodiscard]] arrow::Status append_vector(const ColumnValues& values, std::size_t i, bool is_valid);

  ColumnSpec spec_;
  std::shared_ptr<arrow::DataType> type_;
  std::size_t width_ = 0;                         // bytes of a value; of texts nothing
  std::unique_ptr<arrow::ArrayBuilder> builder_;  // of all but vectors
  arrow::BufferBuilder vectors_;
  arrow::TypedBufferBuilder<bool> valid_;
};

}  // namespace llama::internal
