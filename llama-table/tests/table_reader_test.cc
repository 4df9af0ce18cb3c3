#include "llama-table/table_reader.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <thread>

#include "table_files.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string names_of(const std::vector<ColumnDescription>& columns) {
  std::string out;
  for (const ColumnDescription& column : columns) out += column.name + ":" + column.type + " ";
  return out;
}

TEST(TableReader, ReadsEveryKindOfFile) {
  const TestFolder folder;
  const auto table = small_table(3);
  write_parquet(folder.path("t.parquet"), *table);
  write_ipc(folder.path("t.arrow"), *table, false);
  write_ipc(folder.path("s.arrow"), *table, true);
  write_ipc(folder.path("t.arrows"), *table, true);
  folder.write("t.csv", "id,text\n0,a 0\n1,a 1\n2,a 2\n");
  folder.write("semicolon.csv", "id;text\r\n0;a 0\r\n1;\"a 1\"\r\n2;a 2");
  folder.write("mark.csv", "\xef\xbb\xbfid,text\n0,a 0\n1,a 1\n2,a 2\n");
  folder.write("t.tsv", "id\ttext\n0\ta 0\n1\ta 1\n2\ta 2\n");
  folder.write("t.jsonl",
               "{\"id\": 0, \"text\": \"a 0\"}\n{\"text\": \"a 1\", \"id\": 1}\n{\"id\": 2, \"text\": \"a 2\"}\n");
  folder.write("t.json",
               "[{\"id\": 0, \"text\": \"a 0\"},\n{\"id\": 1, \"text\": \"a 1\"}, {\"id\": 2, \"text\": \"a 2\"}]");
  folder.write(
      "pretty.json",
      "{\n \"id\": 0,\n \"text\": \"a 0\"\n}\n{\n \"id\": 1,\n \"text\": \"a 1\"\n}\n{\"id\": 2, \"text\": \"a 2\"}");
  for (const char* name : {"t.parquet", "t.arrow", "s.arrow", "t.arrows", "t.csv", "semicolon.csv", "mark.csv", "t.tsv",
                           "t.jsonl", "t.json", "pretty.json"}) {
    SCOPED_TRACE(name);
    auto reader = TableReader::open(file_input(folder.path(name)));
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_THAT((*reader)->columns(), ElementsAre("text"));
    EXPECT_EQ(names_of((*reader)->kept_columns()), "id:int64 ");
    EXPECT_EQ((*reader)->count({}).value(), 3u);
    const ReadTable read = read_all(**reader);
    EXPECT_EQ(read.error.message, "");
    EXPECT_THAT(read.texts(), ElementsAre("a 0", "a 1", "a 2"));
    EXPECT_THAT(read.numbers, ElementsAre(0, 1, 2));
    EXPECT_THAT(read.kept_values("id"), ElementsAre("0", "1", "2"));
    EXPECT_TRUE((*reader)->identity().is_repeatable);
  }
}

TEST(TableReader, KeepsTheColumnsThatItIsToldToKeep) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "id,text,label\n7,one,x\n8,two,y\n");
  TableInput input = file_input(path, {"text"});
  const auto kept = [&] {
    auto reader = TableReader::open(input);
    return reader ? names_of((*reader)->kept_columns()) : reader.error().message;
  };
  EXPECT_EQ(kept(), "id:int64 text:string label:string ");
  input.leave_out = {"text"};
  EXPECT_EQ(kept(), "id:int64 label:string ");
  input.keep = Keep::None;
  EXPECT_EQ(kept(), "");
  input.id = "id";
  EXPECT_EQ(kept(), "id:int64 ");
  input.keep = Keep::Some;
  input.keep_columns = {"label"};
  EXPECT_EQ(kept(), "id:int64 label:string ");
  input.keep_columns = {"lable"};
  EXPECT_THAT(kept(), HasSubstr("no column 'lable'; it has 'id', 'text', 'label'; did you mean 'label'?"));
}

TEST(TableReader, HandsOutSeveralColumnsInTheOrderAskedFor) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "year,body,title\n1999,words,head\n2001,,more\n");
  TableInput input = file_input(path, {"title", "body"});
  input.prompt_columns = {"year"};
  auto reader = TableReader::open(input);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_THAT((*reader)->columns(), ElementsAre("title", "body", "year"));
  const ReadTable read = read_all(**reader);
  ASSERT_EQ(read.cells.size(), 2u);
  EXPECT_THAT(read.cells[0], ElementsAre(Cell("head"), Cell("words"), Cell("1999")));
  EXPECT_THAT(read.cells[1], ElementsAre(Cell("more"), Cell(), Cell("2001")));
}

TEST(TableReader, SaysWhichColumnsThereAre) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "id,text,label\n7,one,x\n");
  const auto message = [&](const std::string& column) { return read_table(file_input(path, {column})).error.message; };
  EXPECT_THAT(message("txet"), HasSubstr("no column 'txet'; it has 'id', 'text', 'label'; did you mean 'text'?"));
  EXPECT_THAT(message("nothing like it"), testing::Not(HasSubstr("did you mean")));
  EXPECT_THAT(message("id"), HasSubstr("column 'id' is of type int64, not text"));
  EXPECT_THAT(message("id"), HasSubstr("CAST(\"id\" AS VARCHAR)"));
  EXPECT_EQ(read_table(file_input(path, {"id"})).error.code, ErrorCode::InvalidArgument);
}

TEST(TableReader, FindsTheOneColumnOfText) {
  const TestFolder folder;
  EXPECT_THAT(read_table(file_input(folder.write("one.csv", "id,words\n1,one\n"))).texts(), ElementsAre("one"));
  EXPECT_THAT(read_table(file_input(folder.write("named.csv", "label,text\nx,one\n"))).texts(), ElementsAre("one"));
  EXPECT_THAT(read_table(file_input(folder.write("two.csv", "a,b\nx,y\n"))).error.message,
              HasSubstr("several columns may be the text; name one of 'a', 'b'"));
  EXPECT_THAT(read_table(file_input(folder.write("none.csv", "a,b\n1,2\n"))).error.message,
              HasSubstr("no column of text; it has 'a', 'b'"));
}

TEST(TableReader, FindsRowsByACondition) {
  const TestFolder folder;
  const auto table = small_table(5000);
  write_parquet(folder.path("t.parquet"), *table);
  write_ipc(folder.path("t.arrow"), *table, false);
  std::string csv = "id,text\n", lines;
  for (int i = 0; i < 5000; ++i) {
    csv += std::format("{},a {}\n", i, i);
    lines += std::format("{{\"id\": {}, \"text\": \"a {}\"}}\n", i, i);
  }
  folder.write("t.csv", csv);
  folder.write("t.jsonl", lines);
  for (const char* name : {"t.parquet", "t.arrow", "t.csv", "t.jsonl"}) {
    SCOPED_TRACE(name);
    TableInput input = file_input(folder.path(name), {"text"});
    input.where = "id % 1000 = 7 OR text = 'a 4999' -- the last";
    ReadTable read = read_table(input);
    EXPECT_EQ(read.error.message, "");
    EXPECT_THAT(read.texts(), ElementsAre("a 7", "a 1007", "a 2007", "a 3007", "a 4007", "a 4999"));
    EXPECT_THAT(read.numbers, ElementsAre(0, 1, 2, 3, 4, 5));
    EXPECT_THAT(read.kept_values("id"), ElementsAre("7", "1007", "2007", "3007", "4007", "4999"));
    input.limit = 2;
    EXPECT_THAT(read_table(input).texts(), ElementsAre("a 7", "a 1007"));
    input.where = "";
    EXPECT_THAT(read_table(input).texts(), ElementsAre("a 0", "a 1"));
    input.where = "idd > 3";
    read = read_table(input);
    EXPECT_EQ(read.error.code, ErrorCode::InvalidQuery);
    EXPECT_THAT(read.error.message, HasSubstr("idd"));
    EXPECT_THAT(read.error.message, testing::Not(HasSubstr("\n")));
    input.where = "true) UNION (SELECT 1, 'x'";
    EXPECT_EQ(read_table(input).error.code, ErrorCode::InvalidQuery);
  }
}

TEST(TableReader, CountsTheRowsOfACondition) {
  const TestFolder folder;
  TableInput input = file_input(folder.write("t.csv", "id,text\n1,a\n2,b\n3,c\n"));
  input.where = "id > 1";
  auto reader = TableReader::open(input);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->count({}).value(), 2u);
  EXPECT_THAT(read_all(**reader).texts(), ElementsAre("b", "c"));
  input.limit = 1;
  reader = TableReader::open(input);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->count({}).value(), 1u);
}

TEST(TableReader, AColumnMayHaveNullsWhereOneOfItsFilesHas) {
  const TestFolder folder;
  const auto id = arrow::field("id", arrow::int64());
  const auto full = small_table(2, "b");
  const auto first = full->SetColumn(0, id->WithNullable(false), full->column(0)).ValueOrDie();
  const auto nulls = std::make_shared<arrow::ChunkedArray>(arrow::MakeArrayOfNull(arrow::int64(), 2).ValueOrDie());
  const auto second = full->SetColumn(0, id, nulls).ValueOrDie();
  for (const char* ending : {"parquet", "arrow"}) {
    const std::string folder_of = folder.path(ending);
    std::filesystem::create_directories(folder_of);
    for (const auto& [name, table] : {std::pair{"a", first}, std::pair{"b", second}, std::pair{"c", first}}) {
      const std::string path = std::format("{}/{}.{}", folder_of, name, ending);
      if (std::string_view(ending) == "arrow") {
        write_ipc(path, *table, false);
      } else {
        write_parquet(path, *table);
      }
    }
    const ReadTable read = read_table(file_input(folder_of));
    EXPECT_EQ(read.error.message, "");
    EXPECT_THAT(read.kept_values("id"), ElementsAre("0", "1", "null", "null", "0", "1"));
    EXPECT_TRUE(read.kept->schema()->GetFieldByName("id")->nullable());
    EXPECT_TRUE(read.kept->ValidateFull().ok());
  }
}

TEST(TableReader, GivesRowsInTheOrderOfTheFile) {
  const TestFolder folder;
  std::string csv = "id,text\n";
  for (int i = 0; i < 200'000; ++i) csv += std::format("{},\"line {}\r\nand another\"\n", i, i);
  const ReadTable read = read_table(file_input(folder.write("t.csv", csv)));
  EXPECT_EQ(read.error.message, "");
  const auto texts = read.texts();
  ASSERT_EQ(texts.size(), 200'000u);
  for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], std::format("line {}\r\nand another", i));
}

TEST(TableReader, StopsWhenItIsTold) {
  const TestFolder folder;
  std::string csv = "id,text\n";
  for (int i = 0; i < 100'000; ++i) csv += std::format("{},text {}\n", i, i);
  const std::string path = folder.write("t.csv", csv);
  std::stop_source stop;
  auto reader = TableReader::open(file_input(path), stop.get_token());
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE((*reader)->next(stop.get_token()));
  stop.request_stop();
  const auto batch = (*reader)->next(stop.get_token());
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(TableReader::open(file_input(path), stop.get_token()).error().code, ErrorCode::Cancelled);
}

TEST(TableReader, StopsInTheMiddleOfALongQuery) {
  std::stop_source stop;
  auto reader = TableReader::open(
      query_input("SELECT a.range::VARCHAR AS text FROM range(100000) a, range(100000) b ORDER BY b.range DESC"));
  ASSERT_TRUE(reader) << reader.error().message;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const auto batch = (*reader)->next(stop.get_token());
  ASSERT_FALSE(batch);
  EXPECT_EQ(batch.error().code, ErrorCode::Cancelled);
}

TEST(TableReader, TellsWhetherAnInputIsStillTheSame) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "id,text\n1,a\n");
  const auto print = [&] { return TableReader::open(file_input(path)).value()->identity().fingerprint; };
  const std::string before = print();
  EXPECT_EQ(print(), before);
  folder.write("t.csv", "id,text\n1,ab\n");
  EXPECT_NE(print(), before);
  const auto what = [&](TableInput input) { return TableReader::open(std::move(input)).value()->identity(); };
  EXPECT_EQ(what(file_input(path)).what, std::format("file '{}'", path));
  EXPECT_EQ(what(query_input("SELECT 'x' AS text")).what, "the query");
  EXPECT_NE(what(query_input("SELECT 'x' AS text")).fingerprint, what(query_input("SELECT 'y' AS text")).fingerprint);
  EXPECT_THAT(what(file_input(path)).sources, ElementsAre(path));
  // What a query's text may mean as a pattern, and what it surely reads.
  const std::string other = folder.write("notes.of", "x");
  const std::string sql = std::format("SELECT text FROM '{}' WHERE text <> '{}'", path, folder.path("*"));
  EXPECT_THAT(what(query_input(sql)).files, ElementsAre(path, other, path));
  EXPECT_THAT(what(query_input(sql)).sources, ElementsAre(path, path));
}

}  // namespace
}  // namespace llama
