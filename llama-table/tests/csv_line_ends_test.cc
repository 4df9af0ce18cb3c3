#include <gmock/gmock.h>

#include <format>
#include <random>
#include <thread>

#include "read/csv_line_ends.h"
#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_view_literals;

std::string with_line_feeds(std::string_view csv, std::size_t step = 1, char escape = '"') {
  internal::CsvLineEnds ends(',', escape);
  std::string out;
  for (std::size_t at = 0; at < csv.size(); at += step) ends.append(csv.substr(at, step), out);
  return out;
}

TEST(CsvLineEnds, MakesAllRecordsEndAlikeAndKeepsQuotes) {
  for (const std::size_t step : {1, 2, 3, 100}) {
    EXPECT_EQ(with_line_feeds("a,b\r\n1,x\n2,y\r3,z", step), "a,b\n1,x\n2,y\n3,z");
    EXPECT_EQ(with_line_feeds("a,\"x\r\ny\r\"\r\n", step), "a,\"x\r\ny\r\"\n");
    EXPECT_EQ(with_line_feeds("\"a\"\"\r\n\"\r\n\"\"\r\n", step), "\"a\"\"\r\n\"\n\"\"\n");
    EXPECT_EQ(with_line_feeds(" \"x\r\",  \"y\r\"\r", step), " \"x\r\",  \"y\r\"\n");
    EXPECT_EQ(with_line_feeds("a\"b\r\nc\"\r\n", step), "a\"b\nc\"\n");  // a quote within a field
    EXPECT_EQ(with_line_feeds("\"a\\\"\r\n\"\r\n", step, '\\'), "\"a\\\"\r\n\"\n");
    EXPECT_EQ(with_line_feeds("\xef\xbb\xbf\"a\r\n\"\r\n", step), "\"a\r\n\"\n");
    EXPECT_EQ(with_line_feeds("\xef\xbb\"a\r\n", step), "\xef\xbb\"a\n");
    EXPECT_EQ(with_line_feeds("a\r\r\nb\n\r", step), "a\n\nb\n\n");
  }
}

std::string csv_of(const std::vector<std::string>& ends, int rows) {
  std::string csv;
  const auto end = [&](int record) { return ends[static_cast<std::size_t>(record) % ends.size()]; };
  csv += "id,text" + end(0);
  for (int i = 0; i < rows; ++i) csv += std::format("{},{}{}", i, i % 3 == 0 ? "\"q\r\n\"\"w\"" : "word", end(i + 1));
  return csv;
}

std::vector<std::string> texts_of(int rows) {
  std::vector<std::string> texts;
  for (int i = 0; i < rows; ++i) texts.emplace_back(i % 3 == 0 ? "q\r\n\"w" : "word");
  return texts;
}

TEST(Csv, EveryRowIsReadWhateverItEndsWith) {
  const TestFolder folder;
  for (const std::string_view letters : {"w", "n", "r", "wn", "nw", "nnnr", "rnw"}) {
    std::vector<std::string> ends;
    for (const char letter : letters) ends.emplace_back(letter == 'w' ? "\r\n" : letter == 'n' ? "\n" : "\r");
    SCOPED_TRACE(letters);
    const std::string csv = csv_of(ends, 5'000);
    const ReadTable read = read_table(file_input(folder.write("t.csv", csv), {"text"}));
    EXPECT_EQ(read.error.message, "");
    EXPECT_EQ(read.texts(), texts_of(5'000));
    EXPECT_EQ(read.kept_type("id"), "int64");

    TestPipe pipe;
    std::jthread writer([&] {
      pipe.write(csv);
      pipe.close();
    });
    TableInput input = file_input(pipe.path(), {"text"});
    input.format = TableFormat::Csv;
    EXPECT_EQ(read_table(input).texts(), texts_of(5'000));
  }
}

TEST(Csv, EveryRowIsReadWhereTheHeaderHasALineBreak) {
  const TestFolder folder;
  for (const std::string name : {"te\nxt", "te\r\nxt", "te\rxt"})
    for (const std::string mark : {"", "\xef\xbb\xbf"})
      for (const std::string end : {"\n", "\r\n", "\r"}) {
        const std::string csv = std::format("{0}\"{1}\",id{2}a,1{2}b,2{2}", mark, name, end);
        EXPECT_THAT(read_table(file_input(folder.write("t.csv", csv), {name})).texts(), ElementsAre("a", "b")) << csv;
      }
}

TEST(Csv, FilesOfOneInputMayEndTheirLinesInOtherWays) {
  const TestFolder folder;
  folder.write("d/a.csv", "id,text\n1,a\n");
  folder.write("d/b.csv", "id,text\r\n2,b\n3,c\r\n");
  folder.write("d/c.csv", "id,text\r\n4,d\r\n");
  const ReadTable read = read_table(file_input(folder.path("d"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(read.kept_values("id"), ElementsAre("1", "2", "3", "4"));

  folder.write("k/year=2024/b.csv", "id,text\r\n2,b\n3,c\r\n");
  EXPECT_THAT(read_table(file_input(folder.path("k"), {"text"})).error.message,
              HasSubstr("b.csv', in a folder with a key, has lines that end with \\r; convert it first (dos2unix)"));
}

TEST(Csv, ABrokenRowAmongMixedEndsIsNamed) {
  const TestFolder folder;
  const std::string ragged = folder.write("r.csv", "id,text\r\n1,a\n2,b\r\n3\n4,d\n");
  EXPECT_EQ(read_table(file_input(ragged, {"text"})).error.message,
            std::format("file '{}', line 4: 1 column where the header has 2", ragged));
  const std::string quote = folder.write("q.csv", "id,text\r\n1,a\n2,b\r\n3,\"c\n4,d\n");
  EXPECT_EQ(read_table(file_input(quote, {"text"})).error.message,
            std::format("file '{}', line 4: a quote opens and never closes", quote));
}

// Never fewer rows without a word, whatever the mix and however the quotes stand.
TEST(Csv, NoRowIsLostInAnyMixOfEnds) {
  const TestFolder folder;
  std::mt19937 random(24);
  const std::vector<std::string> words{"a", "b c", "x\ny", "x\r\ny", "x\ry", "q\"q", "", "\r\n", ","};
  const auto one_of = [&](const std::vector<std::string>& choices) {
    return choices[std::uniform_int_distribution<std::size_t>(0, choices.size() - 1)(random)];
  };
  for (int round = 0; round < 12; ++round) {
    std::vector<std::string> ends;
    if (round % 3 != 0) ends.emplace_back("\n");
    if (round % 3 != 1) ends.emplace_back("\r\n");
    if (round % 2 == 1) ends.emplace_back("\r");
    std::string csv = "text,id" + one_of(ends);
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) {
      const std::string text = one_of(words);
      texts.push_back(text);
      std::string doubled;
      for (const char c : text) doubled += c == '"' ? "\"\"" : std::string(1, c);
      csv += "\"" + doubled + "\"," + std::to_string(i) + one_of(ends);
    }
    const ReadTable read = read_table(file_input(folder.write("t.csv", csv), {"text"}));
    EXPECT_EQ(read.error.message, "") << csv;
    EXPECT_EQ(read.texts(), texts) << csv;
  }
}

}  // namespace
}  // namespace llama
