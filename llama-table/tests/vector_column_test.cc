// Vectors of every element, with and without nulls, read back from every format.
#include "output_folder.h"

namespace llama::internal {
namespace {

struct Vectors {
  VectorElement element;
  std::int32_t dimension;
  std::vector<std::byte> bytes;  // of three vectors
  std::shared_ptr<arrow::DataType> type;
  std::string json;  // the same three
};

std::vector<Vectors> kinds() {
  const std::vector<std::uint8_t> bits = {0b10000000, 1, 0, 255, 170, 85};
  return {
      {VectorElement::Float32, 2, bytes_of<float>({1, -2, 0.5f, 3, 1e-3f, 7}), arrow::float32(),
       "[[1, -2], [0.5, 3], [0.001, 7]]"},
      {VectorElement::Float16, 2, bytes_of<std::uint16_t>({0x3c00, 0xc000, 0x3800, 0x4200, 0x0001, 0x7bff}),
       arrow::float16(), "[[1, -2], [0.5, 3], [5.960464477539063e-08, 65504]]"},
      {VectorElement::Int8, 2, bytes_of<std::int8_t>({1, -2, 127, -128, 0, 7}), arrow::int8(),
       "[[1, -2], [127, -128], [0, 7]]"},
      {VectorElement::Bits, 16, bytes_of(bits), arrow::uint8(), "[[128, 1], [0, 255], [170, 85]]"},
  };
}

class VectorColumnTest : public OutputFolderTest {
 protected:
  std::shared_ptr<arrow::Table> written(const Vectors& vectors, OutputFormat format, bool nullable,
                                        std::vector<bool> valid) {
    const auto path = folder_ / (format == OutputFormat::Parquet ? "v.parquet" : "v.arrow");
    std::vector<ColumnValues> columns(1);
    columns[0].vectors = vectors.bytes;
    columns[0].valid = std::move(valid);
    auto writer = open_writer({.path = path, .format = format, .existing = ExistingFile::Replace}, nullptr,
                              {{.name = "v",
                                .type = ColumnType::Vector,
                                .nullable = nullable,
                                .element = vectors.element,
                                .dimension = vectors.dimension}},
                              {}, STDOUT_FILENO);
    EXPECT_TRUE(writer) << writer.error().message;
    EXPECT_TRUE((*writer)->write({}, columns));
    EXPECT_TRUE((*writer)->close({}));
    return read_any(path);
  }
};

TEST_F(VectorColumnTest, IsAFixedSizeListWithoutNulls) {
  for (const Vectors& vectors : kinds()) {
    const auto type = arrow::fixed_size_list(arrow::field("element", vectors.type, false), 2);
    for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
      const auto table = written(vectors, format, false, {});
      EXPECT_TRUE(table->field(0)->Equals(*arrow::field("v", type, false))) << table->field(0)->ToString();
      EXPECT_TRUE(table->column(0)->Equals(arrow::ChunkedArray(array(type, vectors.json))))
          << table->column(0)->ToString();
    }
  }
}

// In Parquet a list of any length, whether or not there is a null: Arrow 25 cannot read a fixed-size list that is null.
TEST_F(VectorColumnTest, MayHoldNulls) {
  for (const Vectors& vectors : kinds()) {
    const auto element = arrow::field("element", vectors.type, false);
    for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
      const auto type = format == OutputFormat::Parquet ? arrow::list(element) : arrow::fixed_size_list(element, 2);
      for (const std::vector<bool>& valid : {std::vector{false, true, true},
                                             {true, false, true},
                                             {true, true, false},
                                             {true, true, true},
                                             {false, false, false}}) {
        const auto table = written(vectors, format, true, valid);
        EXPECT_TRUE(table->field(0)->Equals(*arrow::field("v", type))) << table->field(0)->ToString();
        const auto all = array(type, vectors.json);
        ASSERT_EQ(table->num_rows(), 3);
        for (std::int64_t i = 0; i < 3; ++i) {
          const auto cell = table->column(0)->GetScalar(i).ValueOrDie();
          EXPECT_EQ(cell->is_valid, valid[static_cast<std::size_t>(i)]);
          if (!cell->is_valid) continue;
          EXPECT_TRUE(cell->Equals(*all->GetScalar(i).ValueOrDie())) << cell->ToString();
        }
      }
    }
  }
}

// What goes along keeps its fixed size while it can: a single file whose lists are all there.
TEST_F(VectorColumnTest, ThatGoesAlongKeepsItsSizeUnlessOneIsNull) {
  const auto type = arrow::fixed_size_list(arrow::float32(), 2);
  const auto schema = arrow::schema({arrow::field("kept", type)});
  for (const std::string cells : {"[[1, 2], [3, 4]]", "[[1, 2], null]"}) {
    const auto path = folder_ / "k.parquet";
    auto writer = open_writer({.path = path, .existing = ExistingFile::Replace}, schema, kNumbered, {}, STDOUT_FILENO);
    const auto batch = arrow::RecordBatch::Make(schema, 2, {array(type, cells)});
    ASSERT_TRUE((*writer)->write(kept_rows(batch, 0, 2), numbers(0, 2)));
    ASSERT_TRUE((*writer)->close({}));
    const bool has_null = cells.contains("null");
    EXPECT_EQ(read_any(path)->field(0)->type()->id(), has_null ? arrow::Type::LIST : arrow::Type::FIXED_SIZE_LIST);
  }
}

}  // namespace
}  // namespace llama::internal
