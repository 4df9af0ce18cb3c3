#include "llama-table/row_json.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/scalar.h>
#include <arrow/type_traits.h>
#include <arrow/util/float16.h>

#include <cmath>
#include <format>
#include <string_view>

#include "kept_rows.h"
#include "llama-base/utf8.h"

namespace llama {
namespace {

using ArrayPointer = std::shared_ptr<arrow::Array>;

Result<void> append_text(std::string_view text, std::string& out) {
  if (!internal::is_utf8(text)) return fail(ErrorCode::InvalidText, "a text is not UTF-8");
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\', out += c;
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += std::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
  return {};
}

Result<void> append_json(const ArrayPointer& array, std::int64_t row, std::string& out);

Result<void> append_list(const ArrayPointer& values, std::int64_t begin, std::int64_t length, std::string& out) {
  out += '[';
  for (std::int64_t i = begin; i < begin + length; ++i) {
    if (i > begin) out += ',';
    if (auto appended = append_json(values, i, out); !appended) return appended;
  }
  out += ']';
  return {};
}

template <class Lists>
Result<void> append_list_of(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto& lists = static_cast<const Lists&>(array);
  return append_list(lists.values(), lists.value_offset(row), lists.value_length(row), out);
}

Result<void> append_struct(const arrow::StructArray& array, std::int64_t row, std::string& out) {
  out += '{';
  for (int i = 0; i < array.num_fields(); ++i) {
    if (i > 0) out += ',';
    if (auto named = append_text(array.struct_type()->field(i)->name(), out); !named) return named;
    out += ':';
    if (auto appended = append_json(array.field(i), row, out); !appended) return appended;
  }
  out += '}';
  return {};
}

// What is short, exact and the same in every program: numbers as std::format writes them, which read back as they were.
Result<void> append_scalar(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto scalar = array.GetScalar(row);
  if (!scalar.ok()) return fail(ErrorCode::InvalidText, scalar.status().message());
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      out += (*scalar)->ToString();
      return {};
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE: {
      const bool is_float = array.type_id() == arrow::Type::FLOAT;
      const float single = is_float ? static_cast<const arrow::FloatScalar&>(**scalar).value : 0.0F;
      const double value = is_float ? single : static_cast<const arrow::DoubleScalar&>(**scalar).value;
      out += !std::isfinite(value) ? "null" : is_float ? std::format("{}", single) : std::format("{}", value);
      return {};
    }
    case arrow::Type::HALF_FLOAT: {
      const auto bits = static_cast<const arrow::HalfFloatScalar&>(**scalar).value;
      const float value = arrow::util::Float16::FromBits(bits).ToFloat();
      out += std::isfinite(value) ? std::format("{}", value) : "null";
      return {};
    }
    default:
      if (!arrow::is_integer(array.type_id())) return append_text((*scalar)->ToString(), out);
      out += (*scalar)->ToString();
      return {};
  }
}

Result<void> append_json(const ArrayPointer& array, std::int64_t row, std::string& out) {
  if (array->IsNull(row) || array->type_id() == arrow::Type::NA) {
    out += "null";
    return {};
  }
  switch (array->type_id()) {
    case arrow::Type::EXTENSION:
      return append_json(static_cast<const arrow::ExtensionArray&>(*array).storage(), row, out);
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(*array);
      return append_json(coded.dictionary(), coded.GetValueIndex(row), out);
    }
    case arrow::Type::STRING:
      return append_text(static_cast<const arrow::StringArray&>(*array).GetView(row), out);
    case arrow::Type::LARGE_STRING:
      return append_text(static_cast<const arrow::LargeStringArray&>(*array).GetView(row), out);
    case arrow::Type::STRING_VIEW:
      return append_text(static_cast<const arrow::StringViewArray&>(*array).GetView(row), out);
    case arrow::Type::LIST:
      return append_list_of<arrow::ListArray>(*array, row, out);
    case arrow::Type::LARGE_LIST:
      return append_list_of<arrow::LargeListArray>(*array, row, out);
    case arrow::Type::LIST_VIEW:
      return append_list_of<arrow::ListViewArray>(*array, row, out);
    case arrow::Type::LARGE_LIST_VIEW:
      return append_list_of<arrow::LargeListViewArray>(*array, row, out);
    case arrow::Type::FIXED_SIZE_LIST:
      return append_list_of<arrow::FixedSizeListArray>(*array, row, out);
    case arrow::Type::STRUCT:
      return append_struct(static_cast<const arrow::StructArray&>(*array), row, out);
    default:
      return append_scalar(*array, row, out);
  }
}

}  // namespace

Result<std::string> json_of_row(const KeptRows& rows, std::size_t index) {
  std::string out = "{";
  if (rows != nullptr) {
    const arrow::RecordBatch& batch = *rows->batch();
    const auto row = static_cast<std::int64_t>(index);
    if (row >= batch.num_rows())
      return fail(ErrorCode::InvalidArgument, std::format("there is no row {} of {}", index, batch.num_rows()));
    for (int i = 0; i < batch.num_columns(); ++i) {
      if (i > 0) out += ',';
      if (auto named = append_text(batch.schema()->field(i)->name(), out); !named)
        return std::unexpected(named.error());
      out += ':';
      if (auto appended = append_json(batch.column(i), row, out); !appended) return std::unexpected(appended.error());
    }
  }
  return out + '}';
}

}  // namespace llama
