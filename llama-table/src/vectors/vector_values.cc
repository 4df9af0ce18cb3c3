#include "vectors/vector_values.h"

#include <arrow/extension_type.h>

#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

std::optional<VectorElement> element_of(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return VectorElement::Float32;
    case arrow::Type::HALF_FLOAT:
      return VectorElement::Float16;
    case arrow::Type::INT8:
      return VectorElement::Int8;
    case arrow::Type::UINT8:
      return VectorElement::Bits;
    default:
      return std::nullopt;
  }
}

bool is_any_list(arrow::Type::type type) {
  return type == arrow::Type::FIXED_SIZE_LIST || type == arrow::Type::LIST || type == arrow::Type::LARGE_LIST;
}

std::shared_ptr<arrow::Array> storage_of_array(const std::shared_ptr<arrow::Array>& array) {
  if (array->type_id() != arrow::Type::EXTENSION) return array;
  return static_cast<const arrow::ExtensionArray&>(*array).storage();
}

// Calls `use` with the array as its own class.
template <class Use>
auto with_lists(const arrow::Array& array, Use&& use) {
  switch (array.type_id()) {
    case arrow::Type::FIXED_SIZE_LIST:
      return use(static_cast<const arrow::FixedSizeListArray&>(array));
    case arrow::Type::LARGE_LIST:
      return use(static_cast<const arrow::LargeListArray&>(array));
    default:
      return use(static_cast<const arrow::ListArray&>(array));
  }
}

// Where the vectors lie among the values.
struct Places {
  std::vector<std::int64_t> begins;  // of each vector
  std::vector<std::uint32_t> rows;   // likewise
  std::uint64_t nulls = 0, other_lengths = 0;
  bool is_dense = true;  // each begins where the one before ends
};

bool has_null_value(const arrow::Array& values, std::int64_t begin, std::int64_t length) {
  if (values.null_count() == 0) return false;
  for (std::int64_t i = begin; i < begin + length; ++i)
    if (values.IsNull(i)) return true;
  return false;
}

// A float that is null is NaN, which every reader of vectors has to know anyway; a whole number has no such value.
template <class Lists>
Places places_of(const Lists& lists, std::int64_t length, bool nulls_are_values) {
  Places places;
  const arrow::Array& values = *lists.values();
  for (std::int64_t row = 0; row < lists.length(); ++row) {
    const std::int64_t begin = lists.value_offset(row);
    if (lists.IsNull(row)) {
      ++places.nulls;
    } else if (lists.value_length(row) != length) {
      ++places.other_lengths;
    } else if (!nulls_are_values && has_null_value(values, begin, length)) {
      ++places.nulls;
    } else {
      places.is_dense = places.is_dense && (places.begins.empty() || begin == places.begins.back() + length);
      places.begins.push_back(begin);
      places.rows.push_back(static_cast<std::uint32_t>(row));
    }
  }
  return places;
}

// Appends the values as floats; a null is NaN.
template <class Value>
void copy_floats(const arrow::Array& values, std::int64_t begin, std::int64_t length, std::byte*& out) {
  const Value* const from = values.data()->GetValues<Value>(1) + begin;
  const bool has_nulls = values.null_count() > 0;
  for (std::int64_t i = 0; i < length; ++i) {
    const float value =
        has_nulls && values.IsNull(begin + i) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(from[i]);
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
  }
}

constexpr std::uint16_t kFloat16NaN = 0x7e00;

void copy_raw(const arrow::Array& values, std::int64_t begin, std::int64_t length, std::size_t width, std::byte*& out) {
  const auto bytes = static_cast<std::size_t>(length) * width;
  std::memcpy(
      out, values.data()->GetValues<std::uint8_t>(1, 0) + (begin + values.offset()) * static_cast<std::int64_t>(width),
      bytes);
  if (width == 2 && values.null_count() > 0)
    for (std::int64_t i = 0; i < length; ++i)
      if (values.IsNull(begin + i)) std::memcpy(out + 2 * i, &kFloat16NaN, 2);
  out += bytes;
}

std::size_t width_of(VectorElement element) {
  return element == VectorElement::Float32 ? 4 : element == VectorElement::Float16 ? 2 : 1;
}

std::int64_t length_of(const VectorColumn& column) {
  return column.element == VectorElement::Bits ? column.dimension / 8 : column.dimension;
}

}  // namespace

std::optional<VectorColumn> vectors_of_type(const arrow::Field& field) {
  const arrow::DataType* type = field.type().get();
  if (type->id() == arrow::Type::EXTENSION) type = static_cast<const arrow::ExtensionType&>(*type).storage_type().get();
  if (!is_any_list(type->id())) return std::nullopt;
  const auto element = element_of(*type->field(0)->type());
  if (!element) return std::nullopt;
  VectorColumn column{.name = field.name(), .type = field.type()->ToString(), .element = *element};
  if (type->id() == arrow::Type::FIXED_SIZE_LIST) {
    const auto length = static_cast<const arrow::FixedSizeListType&>(*type).list_size();
    column.dimension = *element == VectorElement::Bits ? length * 8 : length;
  }
  return column;
}

std::optional<std::int64_t> first_length(const std::shared_ptr<arrow::Array>& column) {
  return with_lists(*storage_of_array(column), [](const auto& lists) -> std::optional<std::int64_t> {
    for (std::int64_t row = 0; row < lists.length(); ++row)
      if (!lists.IsNull(row)) return lists.value_length(row);
    return std::nullopt;
  });
}

// Parquet's and our own writer's lists lie one after the other and without a place for a null, so that their memory is
// handed on as it is. Gaps come of fixed-size lists with a null, of lists of other lengths and of slices of views.
Result<void> take_vectors(const std::shared_ptr<arrow::Array>& array, const VectorColumn& column, VectorBlock& block) {
  const auto lists = storage_of_array(array);
  const std::int64_t length = length_of(column);
  const bool is_float = column.element == VectorElement::Float32 || column.element == VectorElement::Float16;
  block.rows = static_cast<std::size_t>(lists->length());
  std::shared_ptr<arrow::Array> values;
  Places places = with_lists(*lists, [&](const auto& typed) {
    values = typed.values();
    return places_of(typed, length, is_float);
  });
  block.nulls = places.nulls;
  block.other_lengths = places.other_lengths;
  block.vectors = places.begins.size();
  if (block.vectors < block.rows) block.row_of = std::move(places.rows);
  if (block.vectors == 0 || length == 0) return {};

  const std::size_t width = width_of(column.element);
  const bool is_double = values->type_id() == arrow::Type::DOUBLE;
  if (places.is_dense && !is_double && (values->null_count() == 0 || !is_float)) {
    block.storage = array;
    block.values = reinterpret_cast<const std::byte*>(values->data()->GetValues<std::uint8_t>(1, 0)) +
                   static_cast<std::size_t>(places.begins.front() + values->offset()) * width;
    return {};
  }
  auto copy = std::make_shared<std::vector<std::byte>>(block.vectors * static_cast<std::size_t>(length) * width);
  std::byte* out = copy->data();
  for (const std::int64_t begin : places.begins) {
    if (is_double) {
      copy_floats<double>(*values, begin, length, out);
    } else if (column.element == VectorElement::Float32) {
      copy_floats<float>(*values, begin, length, out);
    } else {
      copy_raw(*values, begin, length, width, out);
    }
  }
  block.values = copy->data();
  block.storage = std::move(copy);
  return {};
}

}  // namespace llama::internal
