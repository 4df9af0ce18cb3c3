#include "read/cell_reader.h"

#include <arrow/extension_type.h>
#include <arrow/scalar.h>

#include <utility>

#include "llama-base/utf8.h"
#include "read/column_choice.h"

namespace llama::internal {

CellReader::CellReader(std::shared_ptr<arrow::Array> array) : array_(std::move(array)) {
  if (array_->type_id() == arrow::Type::EXTENSION)
    array_ = static_cast<const arrow::ExtensionArray&>(*array_).storage();
  values_ = array_;
  if (array_->type_id() == arrow::Type::DICTIONARY)
    values_ = static_cast<const arrow::DictionaryArray&>(*array_).dictionary();
  is_text_ = is_text_type(*values_->type());
}

std::optional<std::string_view> CellReader::text(std::int64_t row) const {
  if (array_->IsNull(row)) return std::nullopt;
  if (array_->type_id() == arrow::Type::DICTIONARY) {
    row = static_cast<const arrow::DictionaryArray&>(*array_).GetValueIndex(row);
    if (values_->IsNull(row)) return std::nullopt;
  }
  switch (values_->type_id()) {
    case arrow::Type::STRING:
      return static_cast<const arrow::StringArray&>(*values_).GetView(row);
    case arrow::Type::LARGE_STRING:
      return static_cast<const arrow::LargeStringArray&>(*values_).GetView(row);
    case arrow::Type::STRING_VIEW:
      return static_cast<const arrow::StringViewArray&>(*values_).GetView(row);
    default:
      return std::nullopt;
  }
}

std::size_t CellReader::size_bytes(std::int64_t row) const {
  return is_text_ ? text(row).value_or(std::string_view()).size() : 0;
}

Result<Cell> CellReader::cell(std::int64_t row) const {
  if (is_text_) {
    const auto found = text(row);
    if (!found) return Cell();
    if (!is_utf8(*found)) return fail(ErrorCode::InvalidText, "the text is not UTF-8");
    return Cell(*found);
  }
  if (array_->IsNull(row)) return Cell();
  const auto scalar = array_->GetScalar(row);
  if (!scalar.ok()) return fail(ErrorCode::InvalidText, scalar.status().message());
  return Cell((*scalar)->ToString());
}

}  // namespace llama::internal
