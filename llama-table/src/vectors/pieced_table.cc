#include "vectors/pieced_table.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "read/column_choice.h"
#include "read/input_files.h"
#include "read/partition_keys.h"
#include "vectors/vector_values.h"

namespace llama::internal {
namespace {

CellKind kind_of(const arrow::DataType& type) {
  if (is_text_type(type)) return CellKind::Text;
  switch (type.id()) {
    case arrow::Type::BOOL:
      return CellKind::Number;
    default:
      return arrow::is_integer(type.id()) || type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE
                 ? CellKind::Number
                 : CellKind::Other;
  }
}

std::string quoted_names(const std::vector<VectorColumn>& columns) {
  std::string names;
  for (const VectorColumn& column : columns) names += std::format("{}'{}'", names.empty() ? "" : ", ", column.name);
  return names;
}

struct TableKind {
  OpenArrowFile open;
  std::string_view name;
};

Result<TableKind> format_of_vectors(const InputFiles& files) {
  if (files.is_remote || files.is_standard_input())
    return fail(ErrorCode::InvalidArgument, "vectors are read from files on this machine; fetch them first");
  const auto format = format_of_files(files);
  if (!format) return std::unexpected(format.error());
  switch (*format) {
    case TableFormat::Parquet:
      return TableKind{open_parquet_file, "parquet"};
    case TableFormat::ArrowFile:
    case TableFormat::ArrowStream:
      return TableKind{open_mapped_ipc_file, "arrow"};
    default:
      return fail(ErrorCode::InvalidArgument,
                  std::format("file '{}' is {}, and vectors are read from Parquet and Arrow", files.files.front(),
                              to_string(*format)));
  }
}

}  // namespace

std::optional<FileMark> FileMark::of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
#if defined(__APPLE__)
  const timespec& time = status.st_mtimespec;
#else
  const timespec& time = status.st_mtim;
#endif
  return FileMark{.inode = static_cast<std::uint64_t>(status.st_ino),
                  .size_bytes = static_cast<std::uint64_t>(status.st_size),
                  .modified_ns = static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec};
}

Result<std::shared_ptr<const VectorTable>> PiecedTable::open_files(const VectorInput& input,
                                                                   const std::stop_token& stop) {
  auto found = find_input_files(input.paths, std::nullopt);
  if (!found) return std::unexpected(found.error());
  const auto format = format_of_vectors(*found);
  if (!format) return std::unexpected(format.error());
  std::shared_ptr<PiecedTable> table(new PiecedTable());
  table->open_file_ = format->open;
  table->format_ = format->name;
  for (const std::string& path : found->files) {
    if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
    if (auto added = table->add_file(path); !added) return std::unexpected(added.error());
  }
  table->of_files_ = table->schema_->num_fields();
  for (const std::string& key : common_partition_keys(found->files)) {
    if (table->schema_->GetFieldIndex(key) >= 0) continue;
    const auto added = table->schema_->AddField(table->schema_->num_fields(), arrow::field(key, arrow::utf8()));
    if (added.ok()) table->schema_ = *added;
  }
  for (int i = 0; i < table->schema_->num_fields(); ++i) {
    const auto& field = table->schema_->field(i);
    table->columns_.push_back({field->name(), field->type()->ToString(), kind_of(*field->type()), table->is_key(i)});
  }
  if (auto chosen = table->choose_vectors(input.column); !chosen) return std::unexpected(chosen.error());
  if (auto known = table->find_dimension(stop); !known) return std::unexpected(known.error());
  return table;
}

Result<void> PiecedTable::add_file(const std::string& path) {
  // Before it is opened: one that is replaced in between is told.
  marks_.push_back(FileMark::of(path));
  auto file = open_file_(path);
  if (!file) return std::unexpected(file.error());
  const auto schema = (*file)->schema();
  if (schema_ == nullptr) {
    schema_ = schema;
  } else if (const std::string difference = difference_of(*schema_, *schema); !difference.empty()) {
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}' has other columns than '{}': {}", path, files_.front().path, difference));
  } else {
    schema_ = with_nulls_of(std::move(schema_), *schema);
  }
  std::error_code ignored;
  TableFilePart part{.path = path,
                     .first_row = rows_,
                     .size_bytes = std::filesystem::file_size(path, ignored),
                     .metadata = (*file)->metadata()};
  const auto rows = (*file)->piece_rows();
  if (!rows) return std::unexpected(rows.error());
  for (std::size_t i = 0; i < rows->size(); ++i) {
    pieces_.push_back({.file = files_.size(), .piece = i, .first_row = rows_, .rows = (*rows)[i]});
    rows_ += (*rows)[i];
  }
  part.rows = rows_ - part.first_row;
  files_.push_back(std::move(part));
  return {};
}

Result<void> PiecedTable::choose_vectors(const std::optional<std::string>& name) {
  std::vector<VectorColumn> all;
  for (int i = 0; i < of_files_; ++i)
    if (auto column = vectors_of_type(*schema_->field(i))) all.push_back(std::move(*column));
  const std::string& file = files_.front().path;
  if (name) {
    if (const auto known = find_column(*schema_, *name); !known)
      return fail(known.error().code, std::format("file '{}': {}", file, known.error().message));
    const auto found = std::ranges::find(all, *name, &VectorColumn::name);
    if (found == all.end())
      return fail(
          ErrorCode::InvalidArgument,
          std::format("file '{}': column '{}' is {}, not a list of numbers{}", file, *name,
                      schema_->GetFieldByName(*name)->type()->ToString(),
                      all.empty() ? "" : std::format("; {} {}", quoted_names(all), all.size() == 1 ? "is" : "are")));
    vectors_ = *found;
    return {};
  }
  if (all.empty())
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}' has no column of vectors (a list of floats, int8 or uint8)", file));
  const auto ours = std::ranges::find(all, "embedding", &VectorColumn::name);
  if (all.size() > 1 && ours == all.end())
    return fail(ErrorCode::InvalidArgument,
                std::format("file '{}': several columns may be the vectors; name one of {}", file, quoted_names(all)));
  vectors_ = ours != all.end() ? *ours : all.front();
  return {};
}

// A list of any length has that of the first that there is. Cost: the batches up to it.
Result<void> PiecedTable::find_dimension(const std::stop_token& stop) {
  if (vectors_.dimension > 0) return {};
  PieceReader reader(shared_from_this(), {schema_->GetFieldIndex(vectors_.name)});
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    if (auto started = reader.start(i); !started) return started;
    for (;;) {
      if (stop.stop_requested()) return fail(ErrorCode::Cancelled, "reading was stopped");
      const auto batch = reader.next();
      if (!batch) return std::unexpected(batch.error());
      if (*batch == nullptr) break;
      const auto length = first_length((*batch)->column(0));
      if (!length) continue;
      if (*length == 0 || *length > 1 << 24) {
        return fail(ErrorCode::InvalidArgument, std::format("file '{}': the first vector in '{}' has {} dimensions",
                                                            files_[pieces_[i].file].path, vectors_.name, *length));
      }
      vectors_.dimension = static_cast<std::int32_t>(vectors_.element == VectorElement::Bits ? *length * 8 : *length);
      return {};
    }
  }
  return {};
}

std::size_t PiecedTable::piece_of(std::uint64_t row) const {
  const auto after = std::ranges::upper_bound(pieces_, row, {}, &TablePiece::first_row);
  return static_cast<std::size_t>(after - pieces_.begin()) - 1;
}

Result<std::unique_ptr<ArrowFile>> PiecedTable::open_file(std::size_t file) const {
  auto opened = open_file_(files_[file].path);
  if (auto same = check_unchanged(file); !same) return std::unexpected(same.error());
  return opened;
}

Result<void> PiecedTable::check_unchanged(std::size_t file) const {
  const auto now = FileMark::of(files_[file].path);
  if (!now || !marks_[file] || *now == *marks_[file]) return {};
  return fail(ErrorCode::Io, std::format("file '{}' has changed while it was read", files_[file].path));
}

PieceReader::PieceReader(std::shared_ptr<const PiecedTable> table, const std::vector<int>& columns)
    : table_(std::move(table)) {
  arrow::FieldVector fields;
  for (const int column : columns) {
    fields.push_back(table_->schema()->field(column));
    if (table_->is_key(column)) {
      keys_.push_back(fields.back()->name());
    } else {
      of_file_.push_back(column);
    }
  }
  schema_ = arrow::schema(std::move(fields));
  is_extra_ = of_file_.empty();
  if (is_extra_) of_file_.push_back(0);
}

Result<void> PieceReader::start(std::size_t piece) {
  const TablePiece& next = table_->piece(piece);
  if (open_ != next.file) {
    auto file = table_->open_file(next.file);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    open_ = next.file;
  }
  // Some kinds of file are opened anew for a piece.
  auto selected = file_->select_piece(next.piece, of_file_);
  if (auto same = table_->check_unchanged(next.file); !same) return same;
  return selected;
}

Result<std::shared_ptr<arrow::RecordBatch>> PieceReader::next() {
  auto rows = file_->next();
  if (!rows || *rows == nullptr) return rows;
  if (is_extra_) {
    auto none = (*rows)->SelectColumns({});
    if (!none.ok()) return fail(ErrorCode::Internal, none.status().message());
    *rows = std::move(*none);
  }
  return with_partition_keys(**rows, table_->files()[*open_].path, keys_, schema_);
}

}  // namespace llama::internal
