// Read the cells of an Arrow column as text.
#pragma once

#include <arrow/array.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "llama-base/error.h"
#include "llama-table/row.h"

namespace llama::internal {

class CellReader {
 public:
  explicit CellReader(std::shared_ptr<arrow::Array> array);

  // Errors   InvalidText: it is not UTF-8.
  [[nodiscard]] Result<Cell> cell(std::int64_t row) const;
  [[nodiscard]] std::size_t size_bytes(
      std::int64_t row) const;  // of a text; 0 where that is not known without making it
  [[nodiscard]] bool is_text() const { return is_text_; }
  // As it lies there, UTF-8 or not; nothing where it is null. Requires is_text().
  [[nodiscard]] std::optional<std::string_view> text(std::int64_t row) const;

 private:
  std::shared_ptr<arrow::Array> array_;   // what an extension type stores
  std::shared_ptr<arrow::Array> values_;  // of a dictionary; else array_
  bool is_text_ = false;
};

}  // namespace llama::internal
