#include "read/arrow_files_source.h"

#include <algorithm>
#include <format>
#include <utility>

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
    }
  }
  source->files_ = std::move(files);
  source->open_file_ = open_file;
  return source;
}

Result<void> ArrowFilesSource::start(const Selection& selection, const std::stop_token&) {
  columns_ = selection.columns;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const int column : columns_) fields.push_back(schema_->field(column));
  selected_ = arrow::schema(fields);
  return {};
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
      // The first file's schema: another's metadata may be another.
      batch.rows = arrow::RecordBatch::Make(selected_, (*rows)->num_rows(), (*rows)->columns());
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
