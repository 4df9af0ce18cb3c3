#include "output_schema.h"

#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <format>
#include <set>

#include "computed_columns.h"

namespace llama::internal {
namespace {

Result<void> check_column(const ColumnSpec& spec) {
  if (spec.type != ColumnType::Vector) return {};
  if (spec.dimension < 1) return fail(ErrorCode::InvalidArgument, "a vector needs at least one dimension");
  if (spec.element == VectorElement::Bits && spec.dimension % 8 != 0) {
    return fail(ErrorCode::InvalidArgument,
                std::format("vectors of bits need a multiple of 8 dimensions, not {}", spec.dimension));
  }
  return {};
}

// Each by itself, for Arrow's message does not name the column.
Result<void> check_parquet_type(const std::shared_ptr<arrow::Field>& field) {
  std::shared_ptr<parquet::SchemaDescriptor> descriptor;
  std::string reason;
  try {
    const arrow::Schema alone({field});
    const auto status = parquet::arrow::ToParquetSchema(&alone, *parquet::default_writer_properties(), &descriptor);
    if (status.ok()) return {};
    reason = status.message();
  } catch (const parquet::ParquetException& exception) {
    reason = exception.what();
  }
  return fail(ErrorCode::InvalidArgument,
              std::format("column '{}' has the type {}, which Parquet cannot hold ({}); leave it out, or write Arrow",
                          field->name(), field->type()->ToString(), reason));
}

}  // namespace

Result<OutputSchema> make_output_schema(const TableOutput& output, const std::shared_ptr<arrow::Schema>& kept,
                                        const std::vector<ColumnSpec>& columns,
                                        const std::vector<std::pair<std::string, std::string>>& rename) {
  arrow::FieldVector fields;
  if (kept != nullptr) {
    for (const auto& field : kept->fields()) {
      std::string name = field->name();
      for (const auto& [from, to] : rename)
        if (from == field->name()) name = to;
      fields.push_back(field->WithName(name));
      if (output.format != OutputFormat::Parquet) continue;
      if (auto checked = check_parquet_type(fields.back()); !checked) return std::unexpected(checked.error());
    }
  }
  const int kept_count = static_cast<int>(fields.size());
  for (const ColumnSpec& spec : columns) {
    if (auto checked = check_column(spec); !checked) return std::unexpected(checked.error());
    fields.push_back(arrow::field(spec.name, arrow_type(spec), spec.nullable));
  }
  std::set<std::string_view> names;
  for (const auto& field : fields) {
    if (!names.insert(field->name()).second)
      return fail(ErrorCode::InvalidArgument, std::format("two columns are named '{}'", field->name()));
  }
  return OutputSchema{arrow::schema(fields, key_values(output.metadata)), kept_count};
}

}  // namespace llama::internal
