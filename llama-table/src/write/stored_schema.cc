#include "stored_schema.h"

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>

#include <algorithm>

namespace llama::internal {
namespace {

// The type itself or a part of it: it lives as long.
const arrow::DataType& storage_of(const arrow::DataType& type) {
  if (type.id() != arrow::Type::EXTENSION) return type;  // NOLINT(bugprone-return-const-ref-from-parameter)
  return *static_cast<const arrow::ExtensionType&>(type).storage_type();
}

bool holds_fixed_list(const arrow::DataType& any) {
  const arrow::DataType& type = storage_of(any);
  return type.id() == arrow::Type::FIXED_SIZE_LIST ||
         std::ranges::any_of(type.fields(), [](const auto& field) { return holds_fixed_list(*field->type()); });
}

// A fixed-size list that may be null, itself or with the struct around it.
bool may_be_null(const arrow::Field& field, bool parent_may) {
  const arrow::DataType& type = storage_of(*field.type());
  const bool may = parent_may || field.nullable();
  if (type.id() == arrow::Type::FIXED_SIZE_LIST && may) return true;
  const bool goes_down = may && type.id() == arrow::Type::STRUCT;
  return std::ranges::any_of(type.fields(), [&](const auto& child) { return may_be_null(*child, goes_down); });
}

bool has_null(const arrow::ArrayData& data) {
  if (!holds_fixed_list(*data.type)) return false;
  return data.GetNullCount() > 0 ||
         std::ranges::any_of(data.child_data, [](const auto& child) { return has_null(*child); });
}

// What a field is stored as: fixed-size lists as plain ones where they are to be, views of lists as lists, dictionaries
// inside of other types as their values. What holds none of them stays as it is; an extension of a type that changes is
// given up.
std::shared_ptr<arrow::Field> stored_field(const std::shared_ptr<arrow::Field>& field, bool plain_lists,
                                           bool is_inner) {
  const auto& any = field->type();
  const auto& type =
      any->id() == arrow::Type::EXTENSION ? static_cast<const arrow::ExtensionType&>(*any).storage_type() : any;
  if (type->id() == arrow::Type::DICTIONARY && is_inner)
    return field->WithType(static_cast<const arrow::DictionaryType&>(*type).value_type());
  arrow::FieldVector inner;
  bool changes = (type->id() == arrow::Type::FIXED_SIZE_LIST && plain_lists) || type->id() == arrow::Type::LIST_VIEW ||
                 type->id() == arrow::Type::LARGE_LIST_VIEW;
  for (const auto& child : type->fields()) {
    inner.push_back(stored_field(child, plain_lists, true));
    changes = changes || inner.back() != child;
  }
  if (!changes) return field;
  switch (type->id()) {
    case arrow::Type::FIXED_SIZE_LIST:
      if (!plain_lists)
        return field->WithType(
            arrow::fixed_size_list(inner[0], static_cast<const arrow::FixedSizeListType&>(*type).list_size()));
      [[fallthrough]];
    case arrow::Type::LIST:
    case arrow::Type::LIST_VIEW:
      return field->WithType(arrow::list(inner[0]));
    case arrow::Type::LARGE_LIST:
    case arrow::Type::LARGE_LIST_VIEW:
      return field->WithType(arrow::large_list(inner[0]));
    case arrow::Type::STRUCT:
      return field->WithType(arrow::struct_(inner));
    case arrow::Type::MAP:
      return field->WithType(std::make_shared<arrow::MapType>(inner[0]));
    default:
      return field;
  }
}

}  // namespace

StoredSchema::StoredSchema(const OutputSchema& schema, bool is_part) : schema_(schema.schema) {
  for (int i = 0; i < schema_->num_fields(); ++i) {
    const bool may = may_be_null(*schema_->field(i), false);
    const bool is_settled = is_part || i >= schema.kept;
    is_plain_.push_back(may && is_settled);
    is_watched_.push_back(may && !is_settled);
  }
}

void StoredSchema::see(const arrow::RecordBatch& batch) {
  for (int i = 0; i < batch.num_columns(); ++i) {
    const auto column = static_cast<std::size_t>(i);
    if (!is_watched_[column] || !has_null(*batch.column_data(i))) continue;
    is_watched_[column] = false;
    is_plain_[column] = true;
  }
}

std::shared_ptr<arrow::Schema> StoredSchema::schema() const {
  arrow::FieldVector fields = schema_->fields();
  for (std::size_t i = 0; i < fields.size(); ++i) fields[i] = stored_field(fields[i], is_plain_[i], false);
  return arrow::schema(std::move(fields), schema_->metadata());
}

}  // namespace llama::internal
