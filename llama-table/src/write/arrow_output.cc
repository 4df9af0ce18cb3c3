#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>

#include "growing_dictionaries.h"
#include "table_file.h"

namespace llama::internal {
namespace {

class ArrowOutput final : public TableFile {
 public:
  ArrowOutput(std::shared_ptr<OutputBytes> bytes, std::shared_ptr<arrow::KeyValueMetadata> footer,
              std::unique_ptr<GrowingDictionaries> dictionaries, std::shared_ptr<arrow::ipc::RecordBatchWriter> writer)
      : bytes_(std::move(bytes)),
        footer_(std::move(footer)),
        dictionaries_(std::move(dictionaries)),
        writer_(std::move(writer)) {}

  arrow::Status write(const std::shared_ptr<arrow::RecordBatch>& batch, std::uint64_t) override {
    if (dictionaries_ == nullptr) return writer_->WriteRecordBatch(*batch);
    ARROW_ASSIGN_OR_RAISE(const auto same, dictionaries_->apply(batch));
    return writer_->WriteRecordBatch(*same);
  }

  // The schema stands at the beginning; what became known later stands in the footer, which a stream has not.
  arrow::Status close(const TableMetadata& late) override {
    for (const auto& [key, value] : late) ARROW_RETURN_NOT_OK(footer_->Set(key, value));
    return writer_->Close();
  }

  std::uint64_t expected_size() const override { return bytes_->position(); }

 private:
  std::shared_ptr<OutputBytes> bytes_;
  std::shared_ptr<arrow::KeyValueMetadata> footer_;
  std::unique_ptr<GrowingDictionaries> dictionaries_;  // nothing: none is needed
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

}  // namespace

arrow::Result<std::unique_ptr<TableFile>> open_arrow_output(const OutputSchema& schema, const TableOutput& output,
                                                            std::shared_ptr<OutputBytes> bytes) {
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;  // the model has them
  const Compression compression = output.compression.value_or(Compression::None);
  if (compression != Compression::None) {
    const auto codec = compression == Compression::Lz4 ? arrow::Compression::LZ4_FRAME : arrow::Compression::ZSTD;
    ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(codec));
  }
  auto footer = key_values(output.metadata);
  if (output.format == OutputFormat::ArrowStream) {
    ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(bytes, schema.schema, options));
    return std::make_unique<ArrowOutput>(std::move(bytes), std::move(footer), nullptr, std::move(writer));
  }
  // A file holds one dictionary for each column, which may only grow.
  options.emit_dictionary_deltas = true;
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(bytes, schema.schema, options, footer));
  return std::make_unique<ArrowOutput>(std::move(bytes), std::move(footer),
                                       GrowingDictionaries::for_schema(*schema.schema), std::move(writer));
}

}  // namespace llama::internal
