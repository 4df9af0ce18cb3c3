#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "read/csv_header.h"
#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_view_literals;

std::string error_of(std::string path, std::vector<std::string> columns = {"text"}) {
  const ReadTable read = read_table(file_input(std::move(path), std::move(columns)));
  EXPECT_EQ(read.error.message.find('\n'), std::string::npos) << read.error.message;
  return read.error.message;
}

TEST(Csv, AColumnHasATypeOnlyWhereNothingIsLost) {
  const TestFolder folder;
  // The last row, far behind any sample, decides.
  std::string csv = "int,zip,late,number,long,flag,day,date2,at,plus,text\n";
  for (int i = 0; i < 30'000; ++i)
    csv += std::format("{},{},7,1.5,3,true,2024-01-05,05/01/2024,2024-01-05 10:00:00,5,x\n", i, 1000 + i);
  csv += "-5,01234,seven,2,12345678901234567890,false,2024-02-29,06/01/2024,2024-01-05 10:00:01,+5,y\n";
  const ReadTable read = read_table(file_input(folder.write("t.csv", csv), {"text"}));
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 30'001u);
  const auto last = [&](const std::string& name) { return read.kept_values(name).back(); };
  EXPECT_EQ(read.kept_type("int"), "int64");
  EXPECT_EQ(last("int"), "-5");
  EXPECT_EQ(read.kept_type("zip"), "string");
  EXPECT_EQ(last("zip"), "01234");
  EXPECT_EQ(last("late"), "seven");
  EXPECT_EQ(read.kept_type("number"), "double");
  EXPECT_EQ(last("number"), "2");
  EXPECT_EQ(read.kept_type("long"), "string");
  EXPECT_EQ(last("long"), "12345678901234567890");
  EXPECT_EQ(read.kept_type("flag"), "bool");
  EXPECT_EQ(read.kept_type("day"), "date32[day]");
  EXPECT_EQ(read.kept_type("date2"), "string");
  EXPECT_EQ(read.kept_type("at"), "timestamp[us]");
  EXPECT_EQ(last("plus"), "+5");
}

TEST(Csv, AColumnThatIsEmptyAtFirstHasATypeAllTheSame) {
  const TestFolder folder;
  std::string csv = "id,late,never,text\n";
  for (int i = 0; i < 1500; ++i) csv += std::format("{},,,x\n", i);
  csv += "1500,7,,y\n1501,8,,z\n";
  const ReadTable read = read_table(file_input(folder.write("t.csv", csv), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_EQ(read.kept_type("late"), "int64");
  EXPECT_EQ(read.kept_values("late").back(), "8");
  EXPECT_EQ(read.kept_values("late").front(), "null");
  EXPECT_EQ(read.kept_type("never"), "string");
}

// DuckDB has such dates, and Arrow has not.
TEST(Csv, InfinityIsNoDate) {
  const TestFolder folder;
  const ReadTable read = read_table(file_input(
      folder.write("t.csv", "d,at,text\n2024-01-05,2024-01-05 10:00:00,x\ninfinity,-infinity,y\n"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.kept_values("d"), ElementsAre("2024-01-05", "infinity"));
  EXPECT_THAT(read.kept_values("at"), ElementsAre("2024-01-05 10:00:00", "-infinity"));
  EXPECT_EQ(read.kept_type("d"), "string");
}

TEST(Csv, AFileIsItsNameAndNoPattern) {
  const TestFolder folder;
  for (const char* name : {"r1.csv", "rx.csv", "r.csv"}) folder.write(name, "id,text\n1,another\n");
  for (const char* name : {"r[1].csv", "r?.csv", "r*.csv", "r[].csv", "in [x]/a.csv"}) {
    SCOPED_TRACE(name);
    const std::string path = folder.write(name, std::format("id,text\n1,{}\n", name));
    EXPECT_THAT(read_table(file_input(path, {"text"})).texts(), ElementsAre(name));
    const std::string broken = folder.write(name, "id,text\n1,a\n2\n");
    EXPECT_EQ(error_of(broken), std::format("file '{}', line 3: 1 column where the header has 2", broken));
  }
}

TEST(Csv, AnEmptyCellIsNullAndAnEmptyQuotedOneIsAText) {
  const TestFolder folder;
  const ReadTable read = read_table(file_input(folder.write("t.csv", "id,text\n1,\"\"\n2,\n3,\"a\"\"b\"\n"), {"text"}));
  EXPECT_THAT(read.texts(), ElementsAre("", "(null)", "a\"b"));
}

TEST(Csv, KeepsWhatIsBetweenQuotes) {
  const TestFolder folder;
  const std::string path =
      folder.write("t.csv", "text,id\n\"a\r\nb\",1\n\"a\0b\",2\n\" , \",3\n\xe2\x80\xa8,4\n\"a\nb\",5\n"sv);
  EXPECT_THAT(read_table(file_input(path, {"text"})).texts(),
              ElementsAre("a\r\nb", std::string("a\0b", 3), " , ", "\xe2\x80\xa8", "a\nb"));
}

TEST(Csv, FieldsMayBeFilledWithNulBytes) {
  const TestFolder folder;
  const std::string filled = "abd" + std::string(80, '\0');
  const ReadTable read = read_table(file_input(folder.write("t.csv", "text,id\n" + filled + ",1\n"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre(filled));
}

TEST(Csv, QuotesThatComeLateAreQuotes) {
  const TestFolder folder;
  std::string csv = "id,text\n";
  for (int i = 0; i < 30'000; ++i) csv += std::format("{},plain\n", i);
  csv += "30000,\"a, b\"\n";
  const ReadTable read = read_table(file_input(folder.write("t.csv", csv), {"text"}));
  ASSERT_EQ(read.cells.size(), 30'001u);
  EXPECT_EQ(read.texts().back(), "a, b");
}

TEST(Csv, ReadsBackslashesBeforeQuotesWhereTheyStandForThem) {
  const TestFolder folder;
  EXPECT_THAT(read_table(file_input(folder.write("t.csv", "id,text\n1,\"a \\\"b\\\" c\"\n2,d\n"), {"text"})).texts(),
              ElementsAre("a \"b\" c", "d"));
  EXPECT_THAT(
      read_table(file_input(folder.write("u.csv", "id,text\n1,\"C:\\dir\\\"\n2,\"x\"\"y\"\n"), {"text"})).texts(),
      ElementsAre("C:\\dir\\", "x\"y"));
}

TEST(Csv, ReadsUtf16) {
  const TestFolder folder;
  const std::string path =
      folder.write("t.csv", "\xff\xfei\0d\0,\0t\0e\0x\0t\0\n\0001\0,\0\xe4\0\x3d\xd8\x00\xde\n\0"sv);
  EXPECT_THAT(read_table(file_input(path, {"text"})).texts(), ElementsAre("\xc3\xa4\xf0\x9f\x98\x80"));
  EXPECT_THAT(read_table(file_input(folder.write("be.csv", "\xfe\xff\0t\0e\0x\0t\0\n\xd8\x3d\xde\x00\0\n"sv), {"text"}))
                  .texts(),
              ElementsAre("\xf0\x9f\x98\x80"));
}

TEST(Csv, NamesFileAndLineOfABrokenRow) {
  const TestFolder folder;
  std::string csv = "id,text,c\n";
  for (int i = 0; i < 25'000; ++i) csv += std::format("{},hello,x\n", i);
  const std::string ragged = folder.write("ragged.csv", csv + "5,ok\n6,ok,x\n");
  EXPECT_EQ(error_of(ragged), std::format("file '{}', line 25002: 2 columns where the header has 3", ragged));
  const std::string longer = folder.write("longer.csv", csv + "5,ok,x,y\n");
  EXPECT_EQ(error_of(longer), std::format("file '{}', line 25002: 4 columns where the header has 3", longer));
  const std::string quote = folder.write("quote.csv", csv + "5,\"open,x\n6,ok,x\n");
  EXPECT_EQ(error_of(quote), std::format("file '{}', line 25002: a quote opens and never closes", quote));
  const std::string latin = folder.write("latin.csv", csv + "5,h\xe4,x\n");
  EXPECT_THAT(error_of(latin), HasSubstr("line 25002: it is not UTF-8; convert it first"));
  EXPECT_EQ(read_table(file_input(latin, {"text"})).error.code, ErrorCode::InvalidText);
}

TEST(Csv, ARaggedFileIsNotReadAsOneColumn) {
  const TestFolder folder;
  EXPECT_THAT(error_of(folder.write("r.csv", "1,a,b\n2,ok\n3\n")), HasSubstr("no column 'text'; it has '1', 'a', 'b'"));
  EXPECT_THAT(error_of(folder.write("s.csv", "id,text\n1,a\n2\n")),
              HasSubstr("line 3: 1 column where the header has 2"));
}

TEST(Csv, ReadsOneColumnAndNoRows) {
  const TestFolder folder;
  EXPECT_THAT(read_table(file_input(folder.write("one.csv", "text\na\nb, not\n"), {"text"})).error.message,
              HasSubstr("line 3"));
  EXPECT_THAT(read_table(file_input(folder.write("two.csv", "text\na\n\"b, too\"\n"), {"text"})).texts(),
              ElementsAre("a", "b, too"));
  const ReadTable none = read_table(file_input(folder.write("none.csv", "id,text\n"), {"text"}));
  EXPECT_EQ(none.error.message, "");
  EXPECT_EQ(none.cells.size(), 0u);
  EXPECT_THAT(error_of(folder.write("empty.csv", "")), HasSubstr("its first line is empty"));
}

TEST(Csv, FilesOfOneInputHaveTheSameColumns) {
  const TestFolder folder;
  folder.write("d/a.csv", "id,text\n1,a\n");
  folder.write("d/b.csv", "id,text\n02,b\n");
  const ReadTable read = read_table(file_input(folder.path("d"), {"text"}));
  EXPECT_THAT(read.texts(), ElementsAre("a", "b"));
  EXPECT_THAT(read.kept_values("id"), ElementsAre("1", "02"));
  folder.write("d/c.csv", "id,body\n1,a\n");
  EXPECT_THAT(error_of(folder.path("d")), HasSubstr("c.csv' has other columns than"));
  EXPECT_THAT(error_of(folder.path("d")), HasSubstr("'id', 'body', not 'id', 'text'"));
}

TEST(Csv, ReadsAMillionEmptyCells) {
  const TestFolder folder;
  std::string csv = "id,text\n";
  for (int i = 0; i < 1'000'000; ++i) csv += "1,\n";
  auto reader = TableReader::open(file_input(folder.write("t.csv", csv), {"text"}));
  ASSERT_TRUE(reader) << reader.error().message;
  std::size_t rows = 0, nulls = 0;
  for (bool is_at_end = false; !is_at_end;) {
    const auto batch = (*reader)->next({});
    ASSERT_TRUE(batch) << batch.error().message;
    rows += batch->rows.size();
    for (const Row& row : batch->rows) nulls += row.cells->front() ? 0 : 1;
    is_at_end = batch->state == RowState::End;
  }
  EXPECT_EQ(rows, 1'000'000u);
  EXPECT_EQ(nulls, 1'000'000u);
}

TEST(Csv, ReadsACellOfFortyMegabytes) {
  const TestFolder folder;
  const std::string big(40 << 20, 'x');
  folder.write("t.csv", "id,text\n1,small\n2,\"" + big + "\"\n3,last\n");
  const ReadTable read = read_table(file_input(folder.path("t.csv"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 3u);
  EXPECT_TRUE(read.cells[1][0] == big);
  EXPECT_EQ(read.cells[2][0], "last");
}

TEST(Csv, ComesThroughAPipeAsText) {
  TestPipe pipe;
  std::jthread writer([&] {
    pipe.write("id,text\n01,a\n");
    for (int i = 0; i < 50'000; ++i) pipe.write(std::format("{},\"line {}\n more\"\n", i, i));
    pipe.close();
  });
  TableInput input = file_input(pipe.path(), {"text"});  // a CSV by its first line
  auto reader = TableReader::open(input);
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_FALSE((*reader)->identity().is_repeatable);
  EXPECT_EQ((*reader)->count({}).value(), std::nullopt);
  const ReadTable read = read_all(**reader);
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 50'001u);
  EXPECT_EQ(read.texts().back(), "line 49999\n more");
  EXPECT_EQ(read.kept_values("id").front(), "01");
}

TEST(Csv, ABrokenRowOfAPipeIsNamed) {
  TestPipe pipe;
  pipe.write("id,text\n1,a\n2\n");
  pipe.close();
  TableInput input = file_input(pipe.path(), {"text"});
  input.format = TableFormat::Csv;
  EXPECT_THAT(read_table(input).error.message, HasSubstr("line 3: 1 column where the header has 2"));
  EXPECT_THAT(read_table(input).error.message, testing::Not(HasSubstr("\n")));
}

TEST(Csv, AStopEndsAPipeThatSaysNothing) {
  TestPipe pipe;
  pipe.write("id,text\n1,a\n");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  TableInput input = file_input(pipe.path(), {"text"});
  input.format = TableFormat::Csv;
  auto reader = TableReader::open(input, stop.get_token());
  Error error{ErrorCode::Internal, ""};
  if (!reader) {
    error = reader.error();
  } else if (auto batch = (*reader)->next(stop.get_token()); !batch) {
    error = batch.error();
  }
  EXPECT_EQ(error.code, ErrorCode::Cancelled) << error.message;
}

TEST(Csv, TellsOfColumnsThatGetAnotherName) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "id,text,text,,id\n1,a,b,c,d\n");
  const auto reader = TableReader::open(file_input(path, {"text"}));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_THAT((*reader)->notes(),
              ElementsAre(std::format("file '{}' has another column 'text'; column 3 is called 'text_1'", path),
                          std::format("column 4 of file '{}' has no name and is called 'column3'", path),
                          std::format("file '{}' has another column 'id'; column 5 is called 'id_1'", path)));
  // Capitals make no difference to DuckDB.
  const std::string capitals = folder.write("c.csv", "Id,id,text,ID_1\n1,2,a,3\n");
  const auto twins = TableReader::open(file_input(capitals, {"text"}));
  ASSERT_TRUE(twins) << twins.error().message;
  EXPECT_EQ((*twins)->notes().front(),
            std::format("file '{}' has another column 'Id'; column 2 is called 'id_1'", capitals));
  EXPECT_THAT((*twins)->kept_columns(), testing::SizeIs(4));
  const ReadTable read = read_all(**twins);
  EXPECT_THAT(read.kept_values("Id"), ElementsAre("1"));
  EXPECT_THAT(read.kept_values("id_1"), ElementsAre("2"));
  EXPECT_THAT(read.kept_values("ID_1_1"), ElementsAre("3"));
  const auto plain = TableReader::open(file_input(folder.write("u.csv", "id,text\n1,a\n"), {"text"}));
  EXPECT_THAT((*plain)->notes(), testing::IsEmpty());
  TestPipe pipe;
  pipe.write("text,text\na,b\n");
  pipe.close();
  EXPECT_EQ(TableReader::open(file_input(pipe.path(), {"text"})).value()->notes().size(), 1u);
}

TEST(CsvHeader, FindsSeparatorAndNames) {
  const auto header = [](std::string_view text) { return internal::read_csv_header(text, std::nullopt, "x").value(); };
  EXPECT_THAT(header("a,b\n").names, ElementsAre("a", "b"));
  EXPECT_THAT(header("a;b,c;d\n").names, ElementsAre("a", "b,c", "d"));
  EXPECT_THAT(header("\"a|b\"|c\n").names, ElementsAre("a|b", "c"));
  EXPECT_THAT(header("\"x\"\"y\",a,a,,a_1\n").names, ElementsAre("x\"y", "a", "a_1", "column3", "a_1_1"));
  EXPECT_THAT(header("text").names, ElementsAre("text"));
}

}  // namespace
}  // namespace llama
