#include "computed_columns.h"

#include <arrow/api.h>

#include <format>

namespace llama::internal {
namespace {

std::shared_ptr<arrow::DataType> element_type(VectorElement element) {
  switch (element) {
    case VectorElement::Float32:
      return arrow::float32();
    case VectorElement::Float16:
      return arrow::float16();
    case VectorElement::Int8:
      return arrow::int8();
    case VectorElement::Bits:
      break;
  }
  return arrow::uint8();
}

// Bytes of a value in memory; of texts nothing, and they add their own.
std::size_t value_width(const ColumnSpec& spec) {
  switch (spec.type) {
    case ColumnType::Text:
      return 0;
    case ColumnType::Boolean:
      return 1;
    case ColumnType::UnsignedInteger32:
      return 4;
    case ColumnType::Integer:
    case ColumnType::Number:
    case ColumnType::UnsignedInteger64:
      return 8;
    case ColumnType::Vector:
      break;
  }
  return vector_bytes(spec.element, spec.dimension);
}

}  // namespace

std::int32_t list_length(const ColumnSpec& spec) {
  return spec.element == VectorElement::Bits ? (spec.dimension + 7) / 8 : spec.dimension;
}

std::shared_ptr<arrow::DataType> arrow_type(const ColumnSpec& spec) {
  switch (spec.type) {
    case ColumnType::Text:
      return arrow::utf8();
    case ColumnType::Integer:
      return arrow::int64();
    case ColumnType::Number:
      return arrow::float64();
    case ColumnType::Boolean:
      return arrow::boolean();
    case ColumnType::UnsignedInteger32:
      return arrow::uint32();
    case ColumnType::UnsignedInteger64:
      return arrow::uint64();
    case ColumnType::Vector:
      break;
  }
  return arrow::fixed_size_list(arrow::field("element", element_type(spec.element), false), list_length(spec));
}

ComputedColumn::ComputedColumn(ColumnSpec spec)
    : spec_(std::move(spec)), type_(arrow_type(spec_)), width_(value_width(spec_)) {
  // Of these types there is always one.
  if (spec_.type != ColumnType::Vector) builder_ = arrow::MakeBuilder(type_).ValueOr(nullptr);
}

std::size_t ComputedColumn::count(const ColumnValues& values) const {
  switch (spec_.type) {
    case ColumnType::Text:
      return values.texts.size();
    case ColumnType::Number:
      return values.numbers.size();
    case ColumnType::Vector:
      return values.vectors.size() / width_;
    default:
      return values.integers.size();
  }
}

Result<void> ComputedColumn::check(const ColumnValues& values, std::size_t rows) const {
  const bool is_whole = spec_.type != ColumnType::Vector || values.vectors.size() % width_ == 0;
  if (!is_whole || count(values) != rows || (!values.valid.empty() && values.valid.size() != rows)) {
    const std::string what = spec_.type == ColumnType::Vector ? std::format(" of {} dimensions", spec_.dimension) : "";
    return fail(ErrorCode::InvalidArgument,
                std::format("column '{}' comes with other than {} values{}", spec_.name, rows, what));
  }
  if (!spec_.nullable) {
    for (const bool valid : values.valid)
      if (!valid) return fail(ErrorCode::InvalidArgument, std::format("column '{}' has no nulls", spec_.name));
  }
  return {};
}

arrow::Status ComputedColumn::append_vector(const ColumnValues& values, std::size_t i, bool is_valid) {
  ARROW_RETURN_NOT_OK(valid_.Append(is_valid));
  if (is_valid) return vectors_.Append(values.vectors.data() + i * width_, static_cast<std::int64_t>(width_));
  return vectors_.Append(static_cast<std::int64_t>(width_), std::uint8_t{0});
}

arrow::Status ComputedColumn::append(const ColumnValues& values, std::size_t i, std::uint64_t& bytes) {
  const bool is_valid = values.valid.empty() || values.valid[i];
  bytes += width_;
  if (spec_.type == ColumnType::Vector) return append_vector(values, i, is_valid);
  if (!is_valid) return builder_->AppendNull();
  arrow::ArrayBuilder* builder = builder_.get();
  switch (spec_.type) {
    case ColumnType::Text:
      bytes += values.texts[i].size();
      return static_cast<arrow::StringBuilder*>(builder)->Append(values.texts[i]);
    case ColumnType::Number:
      return static_cast<arrow::DoubleBuilder*>(builder)->Append(values.numbers[i]);
    case ColumnType::Boolean:
      return static_cast<arrow::BooleanBuilder*>(builder)->Append(values.integers[i] != 0);
    case ColumnType::UnsignedInteger32:
      return static_cast<arrow::UInt32Builder*>(builder)->Append(static_cast<std::uint32_t>(values.integers[i]));
    case ColumnType::UnsignedInteger64:
      return static_cast<arrow::UInt64Builder*>(builder)->Append(static_cast<std::uint64_t>(values.integers[i]));
    default:
      return static_cast<arrow::Int64Builder*>(builder)->Append(values.integers[i]);
  }
}

arrow::Result<std::shared_ptr<arrow::Array>> ComputedColumn::finish() {
  if (builder_ != nullptr) return builder_->Finish();
  const std::int64_t rows = valid_.length(), nulls = valid_.false_count();
  std::shared_ptr<arrow::Buffer> valid;
  ARROW_ASSIGN_OR_RAISE(valid, valid_.Finish());
  if (nulls == 0) valid = nullptr;
  ARROW_ASSIGN_OR_RAISE(auto bytes, vectors_.Finish());
  const auto elements =
      arrow::ArrayData::Make(element_type(spec_.element), rows * list_length(spec_), {nullptr, std::move(bytes)}, 0);
  return arrow::MakeArray(arrow::ArrayData::Make(type_, rows, {std::move(valid)}, {elements}, nulls));
}

}  // namespace llama::internal
