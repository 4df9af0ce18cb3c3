#include "growing_dictionaries.h"

#include <arrow/array/array_dict.h>
#include <arrow/chunked_array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

namespace llama::internal {
namespace {

bool holds_dictionary(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) return true;
  if (type.id() == arrow::Type::EXTENSION)
    return holds_dictionary(*static_cast<const arrow::ExtensionType&>(type).storage_type());
  return std::ranges::any_of(type.fields(), [](const auto& field) { return holds_dictionary(*field->type()); });
}

}  // namespace

std::unique_ptr<GrowingDictionaries> GrowingDictionaries::for_schema(const arrow::Schema& schema) {
  std::unique_ptr<GrowingDictionaries> made(new GrowingDictionaries(static_cast<std::size_t>(schema.num_fields())));
  for (int i = 0; i < schema.num_fields(); ++i)
    made->has_dictionary_[static_cast<std::size_t>(i)] = holds_dictionary(*schema.field(i)->type());
  if (std::ranges::none_of(made->has_dictionary_, [](bool has) { return has; })) return nullptr;
  return made;
}

// Arrow makes the dictionaries of two chunks one, in the order in which it meets the values. With the dictionary so far
// as the first chunk, of no rows, the new one begins with it. Cost: one look at every value of both.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> GrowingDictionaries::apply(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  arrow::ArrayVector columns = batch->columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!has_dictionary_[i]) continue;
    if (latest_[i] != nullptr) {
      const auto both = std::make_shared<arrow::ChunkedArray>(arrow::ArrayVector{latest_[i], columns[i]});
      const auto unified = arrow::DictionaryUnifier::UnifyChunkedArray(both);
      if (!unified.ok())
        return unified.status().WithMessage("column '", batch->column_name(static_cast<int>(i)),
                                            "': ", unified.status().message());
      columns[i] = (*unified)->chunk(1);
    }
    latest_[i] = columns[i]->Slice(0, 0);
  }
  return arrow::RecordBatch::Make(batch->schema(), batch->num_rows(), std::move(columns));
}

}  // namespace llama::internal
