// Write a table that other programs read: the columns of an Arrow stream go along, beside computed ones of every kind
// that hang on the row's number alone (testing/tests/table_readers_test.py says which).
//
//     write_table INPUT.arrows OUTPUT [format=parquet|arrow|arrow-stream] [compression=NAME] [element=NAME]
//                 [dimension=N] [split-rows=N] [nulls=1]
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>

#include <charconv>
#include <cstdio>
#include <map>
#include <print>
#include <string>

#include "kept_rows.h"
#include "llama-table/vector_encoding.h"
#include "write/table_writer.h"

namespace llama::internal {
namespace {

using Options = std::map<std::string, std::string>;

std::int32_t number_of(const std::string& text) {
  std::int32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

VectorElement element_of(const std::string& name) {
  if (name == "float16") return VectorElement::Float16;
  if (name == "int8") return VectorElement::Int8;
  return name == "bits" ? VectorElement::Bits : VectorElement::Float32;
}

// Row i: text "text i", score i / 4, is_even, and vector values (i + d) % 17 - 8; every third row has no score and no
// vector where there are nulls.
std::vector<ColumnValues> computed(std::int64_t begin, std::int64_t end, VectorElement element, std::int32_t dimension,
                                   bool nulls) {
  std::vector<ColumnValues> columns(4);
  const Int8Scales scales{std::vector<float>(static_cast<std::size_t>(dimension), -128.0F),
                          std::vector<float>(static_cast<std::size_t>(dimension), 1.0F)};
  for (std::int64_t i = begin; i < end; ++i) {
    columns[0].texts.push_back("text " + std::to_string(i));
    columns[1].numbers.push_back(static_cast<double>(i) / 4);
    columns[2].integers.push_back(i % 2 == 0);
    std::vector<float> vector;
    for (std::int32_t d = 0; d < dimension; ++d) vector.push_back(static_cast<float>((i + d) % 17 - 8));
    auto& bytes = columns[3].vectors;
    switch (element) {
      case VectorElement::Float32:
        append_float32(vector, bytes);
        break;
      case VectorElement::Float16:
        append_float16(vector, bytes);
        break;
      case VectorElement::Int8:
        append_int8(vector, scales, bytes);
        break;
      case VectorElement::Bits:
        append_bits(vector, bytes);
        break;
    }
    if (!nulls) continue;
    columns[1].valid.push_back(i % 3 != 0);
    columns[3].valid.push_back(i % 3 != 0);
  }
  return columns;
}

Result<TableSummary> write_table(const std::string& input, const std::string& path, Options options) {
  const auto file = arrow::io::ReadableFile::Open(input).ValueOrDie();
  const auto reader = arrow::ipc::RecordBatchStreamReader::Open(file).ValueOrDie();
  TableOutput output{.path = path, .metadata = {{"llama.test", "yes"}}};
  output.format = parse_output_format(options["format"]).value_or(OutputFormat::Parquet);
  output.compression = parse_compression(options["compression"]);
  if (options.contains("split-rows")) output.split_rows = number_of(options["split-rows"]);
  const bool nulls = options.contains("nulls");
  const VectorElement element = element_of(options["element"]);
  const std::int32_t dimension = options.contains("dimension") ? number_of(options["dimension"]) : 8;
  auto writer = open_writer(output, reader->schema(),
                            {{.name = "our_text"},
                             {.name = "our_score", .type = ColumnType::Number, .nullable = nulls},
                             {.name = "our_flag", .type = ColumnType::Boolean},
                             {.name = "embedding",
                              .type = ColumnType::Vector,
                              .nullable = nulls,
                              .element = element,
                              .dimension = dimension}},
                            {}, 1);
  if (!writer) return std::unexpected(writer.error());
  std::int64_t row = 0;
  while (const auto batch = reader->Next().ValueOrDie()) {
    const auto rows = std::make_shared<const KeptRows>(batch);
    std::vector<KeptRow> kept;
    for (std::int64_t r = 0; r < batch->num_rows(); ++r) kept.push_back({rows, static_cast<std::size_t>(r)});
    const auto values = computed(row, row + batch->num_rows(), element, dimension, nulls);
    if (auto written = (*writer)->write(kept, values); !written) return std::unexpected(written.error());
    if (auto flushed = (*writer)->flush(); !flushed) return std::unexpected(flushed.error());
    row += batch->num_rows();
  }
  return (*writer)->close({{"llama.late", "yes"}});
}

}  // namespace
}  // namespace llama::internal

int main(int argc, char** argv) {
  llama::internal::Options options;
  for (int i = 3; i < argc; ++i) {
    const std::string option = argv[i];
    options[option.substr(0, option.find('='))] = option.substr(option.find('=') + 1);
  }
  const auto summary = argc < 3 ? llama::fail(llama::ErrorCode::InvalidArgument, "write_table INPUT OUTPUT")
                                : llama::internal::write_table(argv[1], argv[2], options);
  if (summary) return 0;
  std::println(stderr, "{}", summary.error().message);
  return 1;
}
