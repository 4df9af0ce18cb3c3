#include "llama-table/table_writer.h"

#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <fstream>

#include "kept_schema.h"
#include "output_folder.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class TableWriterTest : public OutputFolderTest {
 protected:
  fs::path path_ = folder_ / "out.parquet";
};

constexpr std::int32_t kDimension = 2;

const std::vector<ColumnSpec> kPlain = {{.name = "text", .type = ColumnType::Text},
                                        {.name = "text_hash", .type = ColumnType::Text},
                                        {.name = "embedding", .type = ColumnType::Vector, .dimension = kDimension},
                                        {.name = "sequence_length", .type = ColumnType::UnsignedInteger32},
                                        {.name = "processing_time_ms", .type = ColumnType::UnsignedInteger64}};

std::vector<ColumnValues> plain_row() {
  std::vector<ColumnValues> columns(5);
  columns[0].texts = {"a"};
  columns[1].texts = {"0cc175b9c0f1b6a831c399e269772661"};
  columns[2].vectors = bytes_of<float>({1.5f, -2});
  columns[3].integers = {3};
  columns[4].integers = {4};
  return columns;
}

TEST_F(TableWriterTest, WritesThePlainCallsFiveColumns) {
  // Of what is told twice the last is true.
  const TableMetadata metadata = {{"llama.model", "small"}, {"llama.model", "tiny"}};
  auto writer = open_table_writer({.path = path_, .metadata = metadata}, nullptr, kPlain);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE((*writer)->write({}, plain_row()));
  EXPECT_FALSE(fs::exists(path_));
  ASSERT_TRUE((*writer)->close({{"llama.device", "CPU"}}));
  EXPECT_EQ(names(), std::set<std::string>{"out.parquet"});

  const auto table = read_parquet(path_);
  EXPECT_EQ(table->schema()->ToString(true),
            "text: string not null\n"
            "text_hash: string not null\n"
            "embedding: fixed_size_list<element: float not null>[2] not null\n"
            "sequence_length: uint32 not null\n"
            "processing_time_ms: uint64 not null\n"
            "-- metadata --\nllama.device: CPU\nllama.model: tiny");
  EXPECT_EQ(table->column(2)->chunk(0)->ToString(), array(table->field(2)->type(), "[[1.5, -2]]")->ToString());

  const auto file = parquet::ParquetFileReader::OpenFile(path_.string());
  const auto footer = file->metadata();
  EXPECT_EQ(footer->created_by(), "llama-cli");
  EXPECT_EQ(footer->key_value_metadata()->keys(),
            (std::vector<std::string>{"llama.device", "llama.model", "ARROW:schema"}));
  for (int i = 0; i < footer->num_columns(); ++i) {
    const auto chunk = footer->RowGroup(0)->ColumnChunk(i);
    EXPECT_EQ(chunk->compression(), parquet::Compression::ZSTD);
    EXPECT_FALSE(chunk->has_dictionary_page());
    EXPECT_TRUE(chunk->GetOffsetIndexLocation().has_value());
  }
}

TEST_F(TableWriterTest, LeavesNothingWhenDropped) {
  {
    auto writer = open_table_writer({.path = path_}, nullptr, kPlain);
    ASSERT_TRUE((*writer)->write({}, plain_row()));
  }
  EXPECT_EQ(names(), std::set<std::string>{});
}

TEST_F(TableWriterTest, RefusesValuesThatDoNotFitTheColumns) {
  const auto refused = [&](auto&& change) {
    auto writer = open_table_writer({.path = path_}, nullptr, kPlain);
    auto row = plain_row();
    change(row);
    const auto written = (*writer)->write({}, row);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE((*writer)->write({}, plain_row())) << "nothing is written after an error";
    EXPECT_FALSE((*writer)->close({}));
  };
  refused([](auto& row) { row[2].vectors.resize(4); });
  refused([](auto& row) { row[2].vectors.resize(16); });
  refused([](auto& row) { row[3].integers.clear(); });
  refused([](auto& row) { row[0].valid = {false}; });
  refused([](auto& row) { row.pop_back(); });
}

TEST_F(TableWriterTest, RefusesColumnsThatCannotBe) {
  const auto opens = [&](const std::vector<ColumnSpec>& columns) {
    return open_table_writer({.path = path_}, nullptr, columns).has_value();
  };
  EXPECT_TRUE(opens({{.name = "a"}, {.name = "A"}}));
  EXPECT_FALSE(opens({{.name = "a"}, {.name = "a"}}));
  EXPECT_FALSE(opens({{.name = "v", .type = ColumnType::Vector, .dimension = 0}}));
  EXPECT_FALSE(opens({{.name = "v", .type = ColumnType::Vector, .element = VectorElement::Bits, .dimension = 12}}));
  EXPECT_FALSE(opens({}));
}

// Also one that appears while the run goes on.
TEST_F(TableWriterTest, RefusesAnExistingFile) {
  auto writer = open_table_writer({.path = path_}, nullptr, kPlain);
  std::ofstream(path_) << "mine";
  EXPECT_FALSE((*writer)->close({}));
  EXPECT_FALSE(check_output({.path = path_}));
  EXPECT_FALSE(open_table_writer({.path = path_}, nullptr, kPlain));
  EXPECT_EQ(fs::file_size(path_), 4u);
  auto forced = open_table_writer({.path = path_, .existing = ExistingFile::Replace}, nullptr, kPlain);
  ASSERT_TRUE((*forced)->close({}));
  EXPECT_EQ(read_parquet(path_)->num_columns(), 5);
}

struct WrongOutput {
  TableOutput output;
  ErrorCode code;
  std::string reason;
};

TEST_F(TableWriterTest, NamesWhatIsWrongWithTheOutput) {
  std::ofstream(folder_ / "file") << "mine";
  const std::vector<WrongOutput> rows = {
      {{.path = folder_}, ErrorCode::Io, "it is a folder"},
      {{.path = folder_ / "no" / "out"}, ErrorCode::Io, "does not exist"},
      {{.path = folder_ / "file"}, ErrorCode::Io, "it exists already"},
      {{.path = "/dev/null", .existing = ExistingFile::Replace}, ErrorCode::Io, "not a regular file"},
      {{.path = folder_ / "file", .split_rows = 1}, ErrorCode::Io, "parts need a folder"},
      {{.path = folder_ / "no" / "out", .split_rows = 1}, ErrorCode::Io, "does not exist"},
      {{.path = path_, .row_group_rows = 0}, ErrorCode::InvalidArgument, "row group"},
      {{.path = path_, .split_rows = 0}, ErrorCode::InvalidArgument, "at least one row"},
      {{.path = path_, .split_rows = 1, .part_prefix = "../a"}, ErrorCode::InvalidArgument, "'../a'"},
      {{.path = "-"}, ErrorCode::InvalidArgument, "Arrow stream"},
      {{.path = "-", .format = OutputFormat::ArrowStream, .split_rows = 1}, ErrorCode::InvalidArgument, "folder"},
      {{.path = path_, .format = OutputFormat::ArrowFile, .compression = Compression::Gzip},
       ErrorCode::InvalidArgument,
       "zstd or lz4"},
  };
  for (const WrongOutput& row : rows) {
    const auto checked = check_output(row.output);
    ASSERT_FALSE(checked) << row.reason;
    EXPECT_EQ(checked.error().code, row.code) << checked.error().message;
    EXPECT_THAT(checked.error().message, testing::HasSubstr(row.reason));
    EXPECT_FALSE(open_table_writer(row.output, nullptr, kPlain));
  }
  EXPECT_TRUE(check_output({.path = path_}));
  EXPECT_TRUE(check_output({.path = folder_ / "new", .split_rows = 1}));
  EXPECT_TRUE(check_output({.path = folder_, .split_rows = 1}));
}

// A reader that says what goes along.
class TableOfColors final : public RowReader, public HasKeptSchema {
 public:
  std::shared_ptr<arrow::Schema> kept_schema() const override {
    return arrow::schema({arrow::field("color", arrow::utf8())});
  }
  Result<RowBatch> next(const std::stop_token&) override { return RowBatch{}; }
  std::vector<ColumnDescription> kept_columns() const override { return {}; }
  Result<std::optional<std::uint64_t>> count(const std::stop_token&) override { return std::nullopt; }
  InputIdentity identity() const override { return {}; }
  std::string name_of(std::uint64_t) const override { return ""; }
};

TEST_F(TableWriterTest, TakesTheKeptColumnsFromTheReader) {
  const TableOfColors reader;
  auto writer = open_table_writer({.path = path_}, &reader, kNumbered, {{"color", "farbe"}});
  ASSERT_TRUE(writer);
  EXPECT_FALSE((*writer)->write({}, numbers(0, 1)));

  auto second = open_table_writer({.path = path_}, &reader, kNumbered, {{"color", "farbe"}});
  const auto batch = arrow::RecordBatch::Make(reader.kept_schema(), 2, {array(arrow::utf8(), R"(["red", null])")});
  ASSERT_TRUE((*second)->write(kept_rows(batch, 0, 2), numbers(0, 2)));
  ASSERT_TRUE((*second)->close({}));
  EXPECT_EQ(read_parquet(path_)->schema()->field_names(), (std::vector<std::string>{"farbe", "number"}));
  EXPECT_FALSE(open_table_writer({.path = folder_ / "b"}, &reader, {{.name = "color"}}));
}

TEST(OutputFormat, HasNames) {
  EXPECT_EQ(parse_output_format("parquet"), OutputFormat::Parquet);
  EXPECT_EQ(parse_output_format("arrow"), OutputFormat::ArrowFile);
  EXPECT_EQ(parse_output_format("arrow-stream"), OutputFormat::ArrowStream);
  EXPECT_FALSE(parse_output_format("csv"));
  for (const char* name : {"out.parquet", "out", "out.pq", "d.csv/out", "out.v2", "out.2024-01-02", "out.PARQUET"})
    EXPECT_EQ(output_format_of_name(name).value(), OutputFormat::Parquet) << name;
  for (const char* name : {"a.arrow", "a.feather", "a.ipc", "d/a.Feather"})
    EXPECT_EQ(output_format_of_name(name).value(), OutputFormat::ArrowFile) << name;
  for (const char* name : {"out.csv", "out.CSV", "out.csv.gz", "a.jsonl", "a.jsonl.zst", "a.txt", "a.npy", "a.arrows"})
    EXPECT_TRUE(output_format_of_name(name).error().message.contains("(.parquet)")) << name;
  EXPECT_EQ(parse_compression("lz4"), Compression::Lz4);
  EXPECT_EQ(parse_compression("none"), Compression::None);
  EXPECT_FALSE(parse_compression("xz"));
}

}  // namespace
}  // namespace llama::internal
