#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two values and a null; a third value where Arrow cannot read nulls back.
std::shared_ptr<arrow::Array> array_of(const std::shared_ptr<arrow::DataType>& type) {
  if (type->id() == arrow::Type::DICTIONARY) {
    arrow::StringBuilder words;
    must(words.AppendValues(std::vector<std::string>{"x", "y"}));
    arrow::Int8Builder indexes;
    must(indexes.AppendValues(std::vector<std::int8_t>{1, 0}));
    must(indexes.AppendNull());
    return arrow::DictionaryArray::FromArrays(type, indexes.Finish().ValueOrDie(), words.Finish().ValueOrDie())
        .ValueOrDie();
  }
  const auto builder = arrow::MakeBuilder(type).ValueOrDie();
  must(builder->AppendEmptyValues(2));
  must(type->id() == arrow::Type::FIXED_SIZE_LIST ? builder->AppendEmptyValue() : builder->AppendNull());
  return builder->Finish().ValueOrDie();
}

// One column of every type that Parquet can hold.
std::shared_ptr<arrow::Table> table_of_all_types() {
  const auto metadata = arrow::key_value_metadata({"unit"}, {"metre"});
  const std::vector<std::shared_ptr<arrow::Field>> fields = {
      arrow::field("i8", arrow::int8()),
      arrow::field("u8", arrow::uint8()),
      arrow::field("u32", arrow::uint32()),
      arrow::field("u64", arrow::uint64()),
      arrow::field("half", arrow::float16()),
      arrow::field("single", arrow::float32()),
      arrow::field("decimal", arrow::decimal128(30, 7)),
      arrow::field("wide", arrow::decimal256(60, 7)),
      arrow::field("date", arrow::date32()),
      arrow::field("seconds", arrow::timestamp(arrow::TimeUnit::MILLI, "Europe/Berlin")),
      arrow::field("nanos", arrow::timestamp(arrow::TimeUnit::NANO)),
      arrow::field("clock", arrow::time32(arrow::TimeUnit::MILLI)),
      arrow::field("span", arrow::duration(arrow::TimeUnit::MICRO)),
      arrow::field("binary", arrow::binary()),
      arrow::field("fixed", arrow::fixed_size_binary(3)),
      arrow::field("large", arrow::large_utf8()),
      arrow::field("list", arrow::list(arrow::field("element", arrow::int32(), false))),
      arrow::field("vector", arrow::fixed_size_list(arrow::field("element", arrow::float32()), 4)),
      arrow::field("struct", arrow::struct_({arrow::field("a", arrow::uint16()), arrow::field("b", arrow::utf8())})),
      arrow::field("map", arrow::map(arrow::utf8(), arrow::int64())),
      arrow::field("category", arrow::dictionary(arrow::int8(), arrow::utf8())),
      arrow::field("measured", arrow::float64(), true, metadata),
  };
  std::vector<std::shared_ptr<arrow::Field>> all = {arrow::field("text", arrow::utf8(), false)};
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  arrow::StringBuilder texts;
  for (const char* text : {"a", "b", "c"}) must(texts.Append(text));
  arrays.push_back(texts.Finish().ValueOrDie());
  for (const auto& field : fields) {
    all.push_back(field);
    arrays.push_back(array_of(field->type()));
  }
  return arrow::Table::Make(arrow::schema(all, arrow::key_value_metadata({"made"}, {"here"})), arrays);
}

TEST(ArrowFiles, LoseNoType) {
  const TestFolder folder;
  const auto table = table_of_all_types();
  write_parquet(folder.path("t.parquet"), *table);
  write_ipc(folder.path("t.arrow"), *table, false);
  for (const char* name : {"t.parquet", "t.arrow"}) {
    SCOPED_TRACE(name);
    TableInput input = file_input(folder.path(name), {"text"});
    const ReadTable read = read_table(input);
    EXPECT_EQ(read.error.message, "");
    ASSERT_NE(read.kept, nullptr);
    for (const auto& field : table->schema()->fields()) {
      const auto kept = read.kept->schema()->GetFieldByName(field->name());
      ASSERT_NE(kept, nullptr) << field->name();
      EXPECT_TRUE(kept->type()->Equals(*field->type())) << kept->type()->ToString();
      EXPECT_EQ(kept->nullable(), field->nullable());
      EXPECT_TRUE(read.kept->GetColumnByName(field->name())->Equals(*table->GetColumnByName(field->name())))
          << field->name();
    }
    EXPECT_EQ(read.kept->schema()->GetFieldByName("measured")->metadata()->Get("unit").ValueOr(""), "metre");
    input.where = "text <> 'b'";
    const ReadTable some = read_table(input);
    EXPECT_EQ(some.error.message, "");
    EXPECT_THAT(some.texts(), ElementsAre("a", "c"));
    input.where = "\"decimal\" = 0";
    EXPECT_THAT(read_table(input).texts(), ElementsAre("a", "b"));
    input.where = "category IS NULL";
    EXPECT_THAT(read_table(input).texts(), ElementsAre("c"));
    EXPECT_TRUE(some.kept->schema()->Equals(*read.kept->schema()));
  }
}

TEST(ArrowFiles, NullsAmongVectorsOfAFixedSizeAreSaidToBeUnreadable) {
  const TestFolder folder;
  const auto type = arrow::fixed_size_list(arrow::float32(), 2);
  const auto builder = arrow::MakeBuilder(type).ValueOrDie();
  must(builder->AppendEmptyValue());
  must(builder->AppendNull());
  const auto table =
      small_table(2)
          ->AddColumn(2, arrow::field("v", type), std::make_shared<arrow::ChunkedArray>(builder->Finish().ValueOrDie()))
          .ValueOrDie();
  write_parquet(folder.path("t.parquet"), *table);
  TableInput input = file_input(folder.path("t.parquet"));
  EXPECT_THAT(read_table(input).error.message, HasSubstr("null among vectors of a fixed size"));
  input.keep = Keep::Some;
  input.keep_columns = {"id"};
  EXPECT_THAT(read_table(input).texts(), ElementsAre("a 0", "a 1"));
  EXPECT_THAT(read_table(query_input(std::format("SELECT * FROM '{}'", folder.path("t.parquet")))).texts(),
              ElementsAre("a 0", "a 1"));
}

TEST(ArrowFiles, TextsMayBeLargeOrOfADictionary) {
  const TestFolder folder;
  arrow::LargeStringBuilder large;
  must(large.AppendValues(std::vector<std::string>{"p", "q"}));
  must(large.AppendNull());
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto table = arrow::Table::Make(
      arrow::schema(
          {arrow::field("d", type), arrow::field("l", arrow::large_utf8()), arrow::field("n", arrow::null())}),
      {array_of(type), large.Finish().ValueOrDie(), arrow::MakeArrayOfNull(arrow::null(), 3).ValueOrDie()});
  write_ipc(folder.path("t.arrow"), *table, false);
  write_parquet(folder.path("t.parquet"), *table);
  for (const char* name : {"t.parquet", "t.arrow"}) {
    EXPECT_THAT(read_table(file_input(folder.path(name), {"d"})).texts(), ElementsAre("y", "x", "(null)"));
    EXPECT_THAT(read_table(file_input(folder.path(name), {"l"})).texts(), ElementsAre("p", "q", "(null)"));
    EXPECT_THAT(read_table(file_input(folder.path(name), {"n"})).texts(), ElementsAre("(null)", "(null)", "(null)"));
  }
}

TEST(ArrowFiles, CutShortAreRefusedInOneLine) {
  const TestFolder folder;
  write_parquet(folder.path("t.parquet"), *small_table(5000));
  write_ipc(folder.path("t.arrow"), *small_table(5000), false);
  write_ipc(folder.path("t.arrows"), *small_table(5000), true);
  for (const char* name : {"t.parquet", "t.arrow", "t.arrows"}) {
    const auto size = std::filesystem::file_size(folder.path(name));
    for (const auto keep : {size - 1, size / 2, std::uintmax_t{20}, std::uintmax_t{5}}) {
      SCOPED_TRACE(std::format("{} {}", name, keep));
      std::filesystem::resize_file(folder.path(name), keep);
      TableInput input = file_input(folder.path(name), {"text"});
      input.format = std::string_view(name) == "t.parquet" ? TableFormat::Parquet : TableFormat::ArrowFile;
      const ReadTable read = read_table(input);
      // A stream may end without its end mark.
      if (std::string_view(name) == "t.arrows" && keep == size - 1) continue;
      EXPECT_EQ(read.error.code, ErrorCode::InvalidText) << read.error.message;
      EXPECT_THAT(read.error.message, HasSubstr(name));
      EXPECT_THAT(read.error.message, testing::Not(HasSubstr("\n")));
    }
  }
}

TEST(ArrowFiles, OfOneInputHaveTheSameColumns) {
  const TestFolder folder;
  std::filesystem::create_directories(folder.path("d"));
  write_parquet(folder.path("d/a.parquet"), *small_table(3));
  write_parquet(folder.path("d/b.parquet"), *small_table(2, "b"));
  auto reader = TableReader::open(file_input(folder.path("d")));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->count({}).value(), 5u);
  EXPECT_THAT(read_all(**reader).texts(), ElementsAre("a 0", "a 1", "a 2", "b 0", "b 1"));
  const auto table = small_table(1);
  const auto message = [&](const arrow::Table& other) {
    write_parquet(folder.path("d/c.parquet"), other);
    return read_table(file_input(folder.path("d"))).error.message;
  };
  EXPECT_THAT(message(*table->RemoveColumn(0).ValueOrDie()), HasSubstr("c.parquet' has other columns than"));
  EXPECT_THAT(message(*table->RemoveColumn(0).ValueOrDie()), HasSubstr("it lacks 'id'"));
  const auto texts = table->column(1);
  EXPECT_THAT(message(*table->SetColumn(0, arrow::field("id", arrow::utf8()), texts).ValueOrDie()),
              HasSubstr("its 'id' is string, not int64"));
  EXPECT_THAT(message(*table->AddColumn(2, arrow::field("more", arrow::utf8()), texts).ValueOrDie()),
              HasSubstr("it has 'more' besides"));
  EXPECT_THAT(message(*table->SelectColumns({1, 0}).ValueOrDie()), HasSubstr("their order is another"));
}

TEST(ArrowFiles, ReadARowGroupOfManyRowsPieceByPiece) {
  const TestFolder folder;
  write_parquet(folder.path("t.parquet"), *small_table(100'000), 100'000);
  auto reader = TableReader::open(file_input(folder.path("t.parquet")));
  ASSERT_TRUE(reader) << reader.error().message;
  std::uint64_t rows = 0;
  for (bool is_at_end = false; !is_at_end;) {
    const auto batch = (*reader)->next({});
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_LE(batch->rows.size(), 2048u);
    for (const Row& row : batch->rows) {
      ASSERT_EQ(row.number, rows);
      ASSERT_EQ(row.cells->front(), std::format("a {}", rows));
      ++rows;
    }
    is_at_end = batch->state == RowState::End;
  }
  EXPECT_EQ(rows, 100'000u);
}

TEST(ArrowFiles, ATextThatIsNotUtf8FailsAlone) {
  const TestFolder folder;
  arrow::StringBuilder texts;
  for (const char* text : {"a", "h\xe4", "c"}) must(texts.Append(text));
  const auto table =
      arrow::Table::Make(arrow::schema({arrow::field("text", arrow::utf8())}), {texts.Finish().ValueOrDie()});
  write_ipc(folder.path("t.arrow"), *table, false);
  write_parquet(folder.path("t.parquet"), *table);
  for (const char* name : {"t.arrow", "t.parquet"}) {
    const ReadTable read = read_table(file_input(folder.path(name)));
    EXPECT_THAT(read.texts(), ElementsAre("a", "c"));
    EXPECT_THAT(read.failures, ElementsAre("row 2: the text is not UTF-8"));
  }
}

TEST(ArrowStream, AnswersEachBatchOfAPipeAtOnce) {
  TestPipe pipe;
  // The bytes of a stream of batches of 700, 700, 100 and 0 rows, to be sent piece by piece.
  const auto table = small_table(1500);
  const auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto writer = arrow::ipc::MakeStreamWriter(out, table->schema()).ValueOrDie();
  std::vector<std::int64_t> ends;
  for (const auto& [begin, rows] : std::vector<std::pair<int, int>>{{0, 700}, {700, 700}, {1400, 100}, {1500, 0}}) {
    const auto batch = table->Slice(begin, rows)->CombineChunksToBatch().ValueOrDie();
    must(writer->WriteRecordBatch(*batch));
    ends.push_back(out->Tell().ValueOrDie());
  }
  must(writer->Close());
  const std::string bytes = out->Finish().ValueOrDie()->ToString();

  pipe.write(std::string_view(bytes).substr(0, static_cast<std::size_t>(ends[0])));
  TableInput input = file_input(pipe.path(), {"text"});
  auto reader = TableReader::open(input);
  ASSERT_TRUE(reader) << reader.error().message;
  auto begin = static_cast<std::size_t>(ends[0]);
  const std::vector<std::size_t> expected = {700, 700, 100, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto batch = (*reader)->next({});
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(batch->rows.size(), expected[i]);
    EXPECT_EQ(batch->state, RowState::Pause);
    if (i + 1 == expected.size()) break;
    const auto end = static_cast<std::size_t>(ends[i + 1]);
    pipe.write(std::string_view(bytes).substr(begin, end - begin));
    begin = end;
  }
  pipe.write(std::string_view(bytes).substr(begin));
  pipe.close();
  const auto end = (*reader)->next({});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->state, RowState::End);
  EXPECT_EQ(end->rows.size(), 0u);
}

TEST(ArrowStream, OfAPipeMayHaveACondition) {
  TestPipe pipe;
  const auto table = small_table(10);
  const auto out = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto writer = arrow::ipc::MakeStreamWriter(out, table->schema()).ValueOrDie();
  must(writer->WriteTable(*table, 4));
  must(writer->Close());
  pipe.write(out->Finish().ValueOrDie()->ToString());
  pipe.close();
  TableInput input = file_input(pipe.path(), {"text"});
  input.where = "id >= 4 AND id < 6";
  EXPECT_THAT(read_table(input).texts(), ElementsAre("a 4", "a 5"));
}

TEST(ArrowStream, AStopEndsTheWaitForAPipe) {
  TestPipe pipe;
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  TableInput input = file_input(pipe.path(), {"text"});
  input.format = TableFormat::ArrowStream;
  const auto reader = TableReader::open(input, stop.get_token());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama
