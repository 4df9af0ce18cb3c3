#include <arrow/ipc/writer.h>
#include <arrow/util/base64.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

#include <algorithm>

#include "output_place.h"
#include "stored_schema.h"
#include "table_file.h"

namespace llama::internal {
namespace {

arrow::Compression::type parquet_codec(const std::optional<Compression>& compression) {
  switch (compression.value_or(Compression::Zstd)) {
    case Compression::Zstd:
      return arrow::Compression::ZSTD;
    case Compression::Snappy:
      return arrow::Compression::SNAPPY;
    case Compression::Gzip:
      return arrow::Compression::GZIP;
    case Compression::Lz4:
      return arrow::Compression::LZ4;  // Parquet's LZ4_RAW
    case Compression::None:
      break;
  }
  return arrow::Compression::UNCOMPRESSED;
}

// Dictionaries are for kept columns of few values. Our texts and vectors hardly repeat, nor do floats.
arrow::Status choose_dictionaries(const OutputSchema& schema, parquet::WriterProperties::Builder& builder) {
  builder.disable_dictionary();
  if (schema.kept == 0) return arrow::Status::OK();
  std::shared_ptr<parquet::SchemaDescriptor> columns;
  ARROW_RETURN_NOT_OK(
      parquet::arrow::ToParquetSchema(schema.schema.get(), *parquet::default_writer_properties(), &columns));
  for (int i = 0; i < columns->num_columns(); ++i) {
    const parquet::ColumnDescriptor* leaf = columns->Column(i);
    const bool is_float =
        leaf->physical_type() == parquet::Type::FLOAT || leaf->physical_type() == parquet::Type::DOUBLE;
    const int root = columns->group_node()->FieldIndex(*columns->GetColumnRoot(i));
    if (root < schema.kept && !is_float) builder.enable_dictionary(leaf->path());
  }
  return arrow::Status::OK();
}

class ParquetOutput final : public TableFile {
 public:
  ParquetOutput(StoredSchema schema, const TableOutput& output, std::uint64_t group_bytes,
                std::shared_ptr<OutputBytes> bytes, std::unique_ptr<parquet::arrow::FileWriter> writer)
      : schema_(std::move(schema)),
        max_group_rows_(output.row_group_rows),
        max_group_bytes_(group_bytes),
        bytes_(std::move(bytes)),
        writer_(std::move(writer)) {}

  // A row group ends at its rows or its bytes, whichever come first. A large batch is taken in pieces, so that no group
  // holds much more than its bytes, and no nested column of it more than the 2 GiB that readers can take.
  arrow::Status write(const std::shared_ptr<arrow::RecordBatch>& batch, std::uint64_t bytes) override {
    const auto rows = static_cast<std::uint64_t>(batch->num_rows());
    schema_.see(*batch);
    if (rows == 0) return arrow::Status::OK();
    const std::uint64_t pieces = std::clamp<std::uint64_t>(bytes / max_group_bytes_, 1, rows);
    const auto piece_rows = static_cast<std::int64_t>((rows + pieces - 1) / pieces);
    for (std::int64_t begin = 0; begin < batch->num_rows();) {
      if (group_rows_ >= max_group_rows_ || group_bytes_ >= max_group_bytes_) ARROW_RETURN_NOT_OK(end_group());
      const std::int64_t count = std::min({piece_rows, batch->num_rows() - begin, max_group_rows_ - group_rows_});
      ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(*batch->Slice(begin, count)));
      group_rows_ += count;
      group_bytes_ += bytes * static_cast<std::uint64_t>(count) / rows;
      begin += count;
    }
    return arrow::Status::OK();
  }

  // The metadata twice, as Arrow itself writes it: as Parquet's and inside of the Arrow schema, where pyarrow looks.
  arrow::Status close(const TableMetadata& late) override {
    const auto schema = schema_.schema();
    const auto all = schema->metadata()->Merge(*key_values(late));
    ARROW_ASSIGN_OR_RAISE(const auto stored, arrow::ipc::SerializeSchema(*schema->WithMetadata(all)));
    const auto pairs = all->Copy();
    pairs->Append("ARROW:schema", arrow::util::base64_encode(std::string_view(*stored)));
    ARROW_RETURN_NOT_OK(writer_->AddKeyValueMetadata(pairs));
    return writer_->Close();
  }

  // The open group is in memory: it is taken to shrink as the others did.
  std::uint64_t expected_size() const override {
    const double ratio =
        ended_bytes_ == 0 ? 1.0 : static_cast<double>(bytes_->position()) / static_cast<double>(ended_bytes_);
    return bytes_->position() + static_cast<std::uint64_t>(static_cast<double>(group_bytes_) * std::min(ratio, 1.0));
  }

 private:
  arrow::Status end_group() {
    ARROW_RETURN_NOT_OK(writer_->NewBufferedRowGroup());
    ended_bytes_ += group_bytes_;
    group_rows_ = 0;
    group_bytes_ = 0;
    return arrow::Status::OK();
  }

  StoredSchema schema_;
  std::int64_t max_group_rows_;
  std::uint64_t max_group_bytes_;
  std::shared_ptr<OutputBytes> bytes_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::int64_t group_rows_ = 0;
  std::uint64_t group_bytes_ = 0, ended_bytes_ = 0;
};

}  // namespace

arrow::Result<std::unique_ptr<TableFile>> open_parquet_output(const OutputSchema& schema, const TableOutput& output,
                                                              std::uint64_t group_bytes,
                                                              std::shared_ptr<OutputBytes> bytes) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet_codec(output.compression))
      ->max_row_group_length(output.row_group_rows)
      ->enable_write_page_index()
      ->created_by("llama-cli");
  ARROW_RETURN_NOT_OK(choose_dictionaries(schema, builder));
  // The Arrow schema is stored by close(), with what is known by then.
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        parquet::arrow::FileWriter::Open(*schema.schema, arrow::default_memory_pool(), bytes,
                                                         builder.build(), parquet::default_arrow_writer_properties()));
  return std::make_unique<ParquetOutput>(StoredSchema(schema, is_split(output)), output, group_bytes, std::move(bytes),
                                         std::move(writer));
}

std::shared_ptr<arrow::KeyValueMetadata> key_values(const TableMetadata& metadata) {
  auto pairs = std::make_shared<arrow::KeyValueMetadata>();
  // It fails for no pair.
  for (const auto& [key, value] : metadata) static_cast<void>(pairs->Set(key, value));
  return pairs;
}

}  // namespace llama::internal
