#include <arrow/util/compression.h>
#include <gmock/gmock.h>

#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_view_literals;

std::string packed(std::string_view text, arrow::Compression::type kind) {
  const auto codec = arrow::util::Codec::Create(kind).ValueOrDie();
  std::string out(static_cast<std::size_t>(codec->MaxCompressedLen(static_cast<std::int64_t>(text.size()), nullptr)),
                  '\0');
  const auto size =
      codec->Compress(static_cast<std::int64_t>(text.size()), reinterpret_cast<const std::uint8_t*>(text.data()),
                      static_cast<std::int64_t>(out.size()), reinterpret_cast<std::uint8_t*>(out.data()));
  out.resize(static_cast<std::size_t>(size.ValueOrDie()));
  return out;
}

TEST(TextLines, AreTheRowsOfATextFile) {
  const TestFolder folder;
  const std::string path = folder.write("t.txt",
                                        "\xef\xbb\xbf"
                                        "one\r\n\n \t\nline\xe2\x80\xa8two\xc2\x85three\na\0b\n\xe3\x80\x80\nlast"sv);
  auto reader = TableReader::open(file_input(path));
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_THAT((*reader)->columns(), ElementsAre("text"));
  EXPECT_EQ((*reader)->count({}).value(), 4u);
  const ReadTable read = read_all(**reader);
  EXPECT_THAT(read.texts(), ElementsAre("one", "line\xe2\x80\xa8two\xc2\x85three", std::string("a\0b", 3), "last"));
  EXPECT_THAT(read.numbers, ElementsAre(0, 3, 4, 6));
  EXPECT_EQ(read.skipped, 3u);
  EXPECT_EQ((*reader)->name_of(3), "line 4");
}

TEST(TextLines, ALineThatIsNotUtf8FailsAlone) {
  const TestFolder folder;
  const ReadTable read = read_table(file_input(folder.write("t.txt", "one\nh\xe4\nthree\n")));
  EXPECT_THAT(read.texts(), ElementsAre("one", "three"));
  EXPECT_THAT(read.failures, ElementsAre("line 2: the text is not UTF-8"));
}

TEST(TextLines, AFileThatIsNoTextIsRefusedByName) {
  const TestFolder folder;
  folder.write("d/a.txt", "one\n");
  folder.write("d/b.txt", "t\0w\0o\0\n\0"sv);
  const ReadTable read = read_table(file_input(folder.path("d")));
  EXPECT_THAT(read.texts(), ElementsAre("one"));
  EXPECT_EQ(read.error.code, ErrorCode::InvalidText);
  EXPECT_EQ(read.error.message,
            std::format("file '{}' is no text in UTF-8: it is UTF-16LE as it seems; convert it first "
                        "(iconv -f UTF-16LE -t UTF-8)",
                        folder.path("d/b.txt")));
}

TEST(TextLines, GoOnOverFiles) {
  const TestFolder folder;
  folder.write("d/a.txt", "one\ntwo");
  folder.write("d/b.txt", "\nthree\n");
  folder.write("d/.hidden.txt", "no\n");
  folder.write("d/_log.txt", "no\n");
  auto reader = TableReader::open(file_input(folder.path("d")));
  ASSERT_TRUE(reader) << reader.error().message;
  const ReadTable read = read_all(**reader);
  EXPECT_THAT(read.texts(), ElementsAre("one", "two", "three"));
  EXPECT_EQ((*reader)->name_of(read.numbers[1]), std::format("'{}' line 2", folder.path("d/a.txt")));
  EXPECT_EQ((*reader)->name_of(read.numbers[2]), std::format("'{}' line 2", folder.path("d/b.txt")));
}

TEST(TextLines, MayBePacked) {
  const TestFolder folder;
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += std::format("line {}\n", i);
  for (const auto& [name, kind] :
       {std::pair{"t.txt.gz", arrow::Compression::GZIP}, {"t.txt.zst", arrow::Compression::ZSTD}}) {
    SCOPED_TRACE(name);
    // Two archives, one after the other, are one.
    const std::string bytes = packed(lines, kind) + packed("the end\n", kind);
    ReadTable read = read_table(file_input(folder.write(name, bytes)));
    EXPECT_EQ(read.error.message, "");
    ASSERT_EQ(read.cells.size(), 200'001u);
    EXPECT_EQ(read.texts().back(), "the end");
    read = read_table(file_input(folder.write(name, std::string_view(bytes).substr(0, bytes.size() / 2))));
    EXPECT_THAT(read.error.message, HasSubstr("is cut short"));
    EXPECT_EQ(read.error.code, ErrorCode::InvalidText);
    EXPECT_GT(read.cells.size(), 0u);
  }
}

TEST(TextLines, CsvAndJsonMayBePackedToo) {
  const TestFolder folder;
  for (const auto& [ending, kind] : {std::pair{"gz", arrow::Compression::GZIP}, {"zst", arrow::Compression::ZSTD}}) {
    SCOPED_TRACE(ending);
    const std::string csv = folder.write(std::format("t.csv.{}", ending), packed("id,text\n1,a\n2,b\n", kind));
    const std::string json =
        folder.write(std::format("t.jsonl.{}", ending), packed("{\"text\": \"a\"}\n{\"text\": \"b\"}\n", kind));
    const std::string unnamed =
        folder.write(std::format("unnamed-{}", ending), packed("{\"text\": \"a\"}\n{\"text\": \"b\"}\n", kind));
    for (const std::string& path : {csv, json, unnamed}) {
      const ReadTable read = read_table(file_input(path, {"text"}));
      EXPECT_EQ(read.error.message, "");
      EXPECT_THAT(read.texts(), ElementsAre("a", "b"));
    }
  }
}

TEST(TextLines, OfAPipeAreHandedOutWhenTheyAreThere) {
  TestPipe pipe;
  pipe.write("one\ntwo\nthr");
  auto reader = TableReader::open(file_input(pipe.path()));
  ASSERT_TRUE(reader) << reader.error().message;
  auto batch = (*reader)->next({});
  ASSERT_TRUE(batch) << batch.error().message;
  EXPECT_EQ(batch->rows.size(), 2u);
  EXPECT_EQ(batch->state, RowState::Pause);
  pipe.write("ee\n");
  pipe.close();
  const ReadTable read = read_all(**reader);
  EXPECT_THAT(read.texts(), ElementsAre("three"));
}

TEST(TextLines, RowsOfAConditionKeepTheirLines) {
  const TestFolder folder;
  TableInput input = file_input(folder.write("t.txt", "one\n\nthree\nfour\n"));
  input.where = "length(text) > 3";
  const ReadTable read = read_table(input);
  EXPECT_THAT(read.texts(), ElementsAre("three", "four"));
  EXPECT_THAT(read.numbers, ElementsAre(2, 3));
}

}  // namespace
}  // namespace llama
