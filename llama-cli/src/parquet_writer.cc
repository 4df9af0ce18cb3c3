#include "parquet_writer.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/base64.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/properties.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>

#include "llama-base/atomic_file.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRowGroupRows = 10'000;
constexpr std::size_t kRowGroupBytes = 64 << 20;
constexpr std::int64_t kBufferedRows = 1'000;
constexpr std::size_t kBufferedBytes = 8 << 20;

std::shared_ptr<arrow::KeyValueMetadata> key_values(const ParquetWriter::Metadata& metadata) {
  auto pairs = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : metadata) pairs->Append(key, value);
  return pairs;
}

std::shared_ptr<arrow::Schema> make_schema(std::int32_t dimension, const ParquetWriter::Metadata& metadata) {
  return arrow::schema(
      {arrow::field("text", arrow::utf8(), false), arrow::field("text_hash", arrow::utf8(), false),
       arrow::field("embedding", arrow::fixed_size_list(arrow::field("element", arrow::float32(), false), dimension),
                    false),
       arrow::field("sequence_length", arrow::uint32(), false),
       arrow::field("processing_time_ms", arrow::uint64(), false)},
      key_values(metadata));
}

struct Columns {
  explicit Columns(std::int32_t dimension)
      : values(std::make_shared<arrow::FloatBuilder>()),
        embedding(arrow::default_memory_pool(), values,
                  arrow::fixed_size_list(arrow::field("element", arrow::float32(), false), dimension)) {}
  arrow::StringBuilder text, hash;
  std::shared_ptr<arrow::FloatBuilder> values;
  arrow::FixedSizeListBuilder embedding;
  arrow::UInt32Builder length;
  arrow::UInt64Builder time;

  arrow::Status append(const EmbeddingResult& row) {
    ARROW_RETURN_NOT_OK(text.Append(row.text));
    ARROW_RETURN_NOT_OK(hash.Append(row.text_hash));
    ARROW_RETURN_NOT_OK(embedding.Append());
    ARROW_RETURN_NOT_OK(values->AppendValues(row.embedding));
    ARROW_RETURN_NOT_OK(length.Append(row.sequence_length));
    return time.Append(row.processing_time_ms);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> finish(const std::shared_ptr<arrow::Schema>& schema) {
    const std::int64_t rows = text.length();
    ARROW_ASSIGN_OR_RAISE(auto a, text.Finish());
    ARROW_ASSIGN_OR_RAISE(auto b, hash.Finish());
    ARROW_ASSIGN_OR_RAISE(auto c, embedding.Finish());
    ARROW_ASSIGN_OR_RAISE(auto d, length.Finish());
    ARROW_ASSIGN_OR_RAISE(auto e, time.Finish());
    return arrow::RecordBatch::Make(schema, rows, {a, b, c, d, e});
  }
};

}  // namespace

struct ParquetWriter::State {
  internal::AtomicFile output;
  std::int32_t dimension;
  std::shared_ptr<arrow::Schema> schema;
  Columns columns;
  std::shared_ptr<arrow::io::FileOutputStream> file;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::size_t buffered_bytes = 0, group_bytes = 0;
  std::uint64_t rows = 0;

  State(internal::AtomicFile o, std::int32_t d, const Metadata& metadata)
      : output(std::move(o)), dimension(d), schema(make_schema(d, metadata)), columns(d) {}

  std::unexpected<Error> failed(std::string_view reason) const {
    std::string line(reason);
    for (char& c : line) c = c == '\n' ? ' ' : c;
    return fail(ErrorCode::Io, std::format("output '{}' cannot be written: {}", output.path().string(), line));
  }
  std::unexpected<Error> failed(const arrow::Status& status) const {
    // The system's reason ("No space left on device") is a detail of Arrow's.
    return failed(status.detail() ? std::format("{} ({})", status.message(), status.detail()->ToString())
                                  : status.message());
  }

  // The metadata twice, as Arrow itself writes it: as Parquet's and inside of the Arrow schema, where pyarrow looks.
  arrow::Status add_metadata(const Metadata& late) const {
    const auto all = schema->metadata()->Merge(*key_values(late));
    ARROW_ASSIGN_OR_RAISE(const auto bytes, arrow::ipc::SerializeSchema(*schema->WithMetadata(all)));
    const auto pairs = all->Copy();
    pairs->Append("ARROW:schema", arrow::util::base64_encode(std::string_view(*bytes)));
    return writer->AddKeyValueMetadata(pairs);
  }

  arrow::Status write_buffered() {
    if (columns.text.length() == 0) return arrow::Status::OK();
    try {
      ARROW_ASSIGN_OR_RAISE(auto batch, columns.finish(schema));
      if (group_bytes >= kRowGroupBytes) {
        ARROW_RETURN_NOT_OK(writer->NewBufferedRowGroup());
        group_bytes = 0;
      }
      ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
    } catch (const parquet::ParquetException& exception) {
      return arrow::Status::IOError(exception.what());
    }
    group_bytes += buffered_bytes;
    buffered_bytes = 0;
    return arrow::Status::OK();
  }
};

ParquetWriter::ParquetWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetWriter::~ParquetWriter() = default;
ParquetWriter::ParquetWriter(ParquetWriter&&) noexcept = default;
ParquetWriter& ParquetWriter::operator=(ParquetWriter&&) noexcept = default;

Result<void> ParquetWriter::check_output(const fs::path& path, ExistingFile existing) {
  const auto refuse = [&](std::string_view reason) {
    return fail(ErrorCode::Io, std::format("output '{}' cannot be written: {}", path.string(), reason));
  };
  std::error_code error;
  if (path.filename().empty() || fs::is_directory(path, error)) return refuse("it is a folder; name a file");
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!fs::is_directory(folder, error)) return refuse(std::format("the folder '{}' does not exist", folder.string()));
  if (::access(folder.c_str(), W_OK) != 0)
    return refuse(std::format("folder '{}': {}", folder.string(), std::strerror(errno)));
  if (fs::exists(fs::symlink_status(path, error))) {
    if (existing == ExistingFile::Refuse) return refuse("it exists already; --force replaces it");
    if (fs::exists(path, error) && !fs::is_regular_file(path, error)) return refuse("it is not a regular file");
  }
  return {};
}

Result<ParquetWriter> ParquetWriter::open(const fs::path& path, std::int32_t dimension, const Metadata& metadata,
                                          ExistingFile existing) {
  if (dimension < 1) return fail(ErrorCode::InvalidArgument, "a vector needs at least one dimension");
  if (auto checked = check_output(path, existing); !checked) return std::unexpected(checked.error());
  auto output = internal::AtomicFile::create(path, {.replace = existing == ExistingFile::Replace});
  if (!output) return std::unexpected(output.error());
  auto state = std::make_unique<State>(std::move(*output), dimension, metadata);
  auto file = arrow::io::FileOutputStream::Open(state->output.temporary().string());
  if (!file.ok()) return state->failed(file.status());
  state->file = *file;

  const auto properties = parquet::WriterProperties::Builder()
                              .compression(arrow::Compression::ZSTD)
                              ->disable_dictionary()
                              ->max_row_group_length(kRowGroupRows)
                              ->created_by("llama-cli")
                              ->build();
  // The Arrow schema is stored by close(), with what is known by then.
  const auto arrow_properties = parquet::ArrowWriterProperties::Builder().build();
  try {
    auto writer = parquet::arrow::FileWriter::Open(*state->schema, arrow::default_memory_pool(), state->file,
                                                   properties, arrow_properties);
    if (!writer.ok()) return state->failed(writer.status());
    state->writer = std::move(*writer);
  } catch (const parquet::ParquetException& exception) {
    return state->failed(exception.what());
  }
  return ParquetWriter(std::move(state));
}

Result<void> ParquetWriter::write_batch(std::span<const EmbeddingResult> results) {
  State& state = *state_;
  for (const EmbeddingResult& row : results) {
    if (row.embedding.size() != static_cast<std::size_t>(state.dimension)) {
      return fail(ErrorCode::InvalidArgument, std::format("a vector of {} values does not fit a file of {}",
                                                          row.embedding.size(), state.dimension));
    }
    if (const auto status = state.columns.append(row); !status.ok()) return state.failed(status);
    ++state.rows;
    state.buffered_bytes += row.text.size() + row.text_hash.size() + row.embedding.size() * sizeof(float) + 12;
    if (state.columns.text.length() >= kBufferedRows || state.buffered_bytes >= kBufferedBytes) {
      if (auto flushed = flush(); !flushed) return flushed;
    }
  }
  return {};
}

Result<void> ParquetWriter::flush() {
  if (const auto status = state_->write_buffered(); !status.ok()) return state_->failed(status);
  return {};
}

Result<ParquetSummary> ParquetWriter::close(const Metadata& late) {
  State& state = *state_;
  if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
  try {
    if (const auto added = state.add_metadata(late); !added.ok()) return state.failed(added);
    if (const auto status = state.writer->Close(); !status.ok()) return state.failed(status);
  } catch (const parquet::ParquetException& exception) {
    return state.failed(exception.what());
  }
  if (const auto status = state.file->Close(); !status.ok()) return state.failed(status);

  std::error_code error;
  const std::uint64_t size = fs::file_size(state.output.temporary(), error);
  if (auto committed = state.output.commit(); !committed) return std::unexpected(committed.error());
  return ParquetSummary{state.rows, size};
}

}  // namespace llama
