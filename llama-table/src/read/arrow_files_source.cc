#include "read/arrow_files_source.h"

#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <format>
#include <utility>

#include "read/arrow_error.h"
#include "read/partition_keys.h"

namespace llama::internal {

std::string difference_of(const arrow::Schema& first, const arrow::Schema& other) {
  for (const auto& field : first.fields()) {
    const int at = other.GetFieldIndex(field->name());
    if (at < 0) return std::format("it lacks '{}'", field->name());
    const auto& type = other.field(at)->type();
    if (!type->Equals(*field->type()))
      return std::format("its '{}' is {}, not {}", field->name(), type->ToString(), field->type()->ToString());
  }
  for (const auto& field : other.fields())
    if (first.GetFieldIndex(field->name()) < 0) return std::format("it has '{}' besides", field->name());
  for (int i = 0; i < first.num_fields(); ++i)
    if (first.field(i)->name() != other.field(i)->name()) return "their order is another";
  return "";
}

std::shared_ptr<arrow::Schema> with_nulls_of(std::shared_ptr<arrow::Schema> first, const arrow::Schema& other) {
  for (int i = 0; i < first->num_fields(); ++i) {
    if (first->field(i)->nullable() || !other.field(i)->nullable()) continue;
    if (auto changed = first->SetField(i, first->field(i)->WithNullable(true)); changed.ok())
      first = std::move(*changed);
  }
  return first;
}

Result<std::unique_ptr<BatchSource>> ArrowFilesSource::open(std::vector<std::string> files, OpenArrowFile open_file,
                                                            const std::stop_token& stop) {
  std::unique_ptr<ArrowFilesSource> source(new ArrowFilesSource());
  for (const std::string& path : files) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    auto file = open_file(path);
    if (!file) return std::unexpected(file.error());
    if (source->schema_ == nullptr) {
      source->schema_ = (*file)->schema();
    } else if (const std::string difference = difference_of(*source->schema_, *(*file)->schema());
               !difference.empty()) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("file '{}' has other columns than '{}': {}", path, files.front(), difference));
    } else {
      source->schema_ = with_nulls_of(std::move(source->schema_), *(*file)->schema());
    }
  }
  for (const std::string& key : common_partition_keys(files)) {
    if (source->schema_->GetFieldIndex(key) >= 0) continue;
    const auto added = source->schema_->AddField(source->schema_->num_fields(), arrow::field(key, arrow::utf8()));
    if (added.ok()) source->schema_ = *added;
  }
  source->files_ = std::move(files);
  source->open_file_ = open_file;
  return source;
}

Result<void> ArrowFilesSource::start(const Selection& selection, const std::stop_token&) {
  auto first = open_file_(files_.front());
  if (!first) return std::unexpected(first.error());
  const int of_files = (*first)->schema()->num_fields();
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const int column : selection.columns) {
    fields.push_back(schema_->field(column));
    if (column < of_files) {
      columns_.push_back(column);
    } else {
      keys_.push_back(fields.back()->name());
    }
  }
  selected_ = arrow::schema(fields);
  return {};
}

// With the first file's schema: another's metadata may be another.
Result<std::shared_ptr<arrow::RecordBatch>> with_partition_keys(const arrow::RecordBatch& rows, const std::string& path,
                                                                const std::vector<std::string>& keys,
                                                                const std::shared_ptr<arrow::Schema>& schema) {
  std::vector<std::shared_ptr<arrow::Array>> arrays = rows.columns();
  const PartitionKeys of_path = partition_keys_of(path);
  for (const std::string& name : keys) {
    std::shared_ptr<arrow::Scalar> value = arrow::MakeNullScalar(arrow::utf8());
    for (const auto& [key, text] : of_path)
      if (key == name && text) value = arrow::MakeScalar(*text);
    auto array = arrow::MakeArrayFromScalar(*value, rows.num_rows());
    if (!array.ok()) return arrow_read_failure(array.status(), path);
    arrays.push_back(std::move(*array));
  }
  return arrow::RecordBatch::Make(schema, rows.num_rows(), std::move(arrays));
}

Result<TableBatch> ArrowFilesSource::next(const std::stop_token& stop) {
  TableBatch batch;
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    if (file_ == nullptr) {
      if (at_ == files_.size()) {
        batch.state = RowState::End;
        return batch;
      }
      auto file = open_file_(files_[at_]);
      if (!file) return std::unexpected(file.error());
      if (auto selected = (*file)->select(columns_); !selected) return std::unexpected(selected.error());
      file_ = std::move(*file);
      ++at_;
    }
    auto rows = file_->next();
    if (!rows) return std::unexpected(rows.error());
    if (*rows != nullptr) {
      auto with = with_partition_keys(**rows, files_[at_ - 1], keys_, selected_);
      if (!with) return std::unexpected(with.error());
      batch.rows = std::move(*with);
      return batch;
    }
    file_.reset();
  }
}

Result<std::optional<std::uint64_t>> ArrowFilesSource::count(const std::stop_token& stop) {
  std::uint64_t rows = 0;
  for (const std::string& path : files_) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    auto file = open_file_(path);
    if (!file) return std::unexpected(file.error());
    const auto of_file = (*file)->count();
    if (!of_file) return std::unexpected(of_file.error());
    rows += *of_file;
  }
  return rows;
}

}  // namespace llama::internal
