#include "read/input_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#ifdef __linux__
#include <sys/inotify.h>
#include <unistd.h>
#endif

#include <array>

#include "llama-base/disk.h"
#include "table_files.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(InputFiles, MatchesPatterns) {
  struct Case {
    const char* path;
    const char* pattern;
    bool matches;
  };
  for (const Case& c : std::vector<Case>{{"a.csv", "*.csv", true},
                                         {"a.csv", "?.csv", true},
                                         {"ab.csv", "?.csv", false},
                                         {"d/a.csv", "*.csv", false},
                                         {"d/a.csv", "*/a.csv", true},
                                         {"d/e/a.csv", "d/**/*.csv", true},
                                         {"d/a.csv", "d/**/*.csv", true},
                                         {"d/a.txt", "d/**/*.csv", false},
                                         {"d/e/f/a.csv", "**", true},
                                         {"b.csv", "[a-c].csv", true},
                                         {"d.csv", "[a-c].csv", false},
                                         {"d.csv", "[!a-c].csv", true},
                                         {".a.csv", "*.csv", false},
                                         {".a.csv", ".*.csv", true},
                                         {"[x", "[x", true}})
    EXPECT_EQ(internal::matches_glob(c.path, c.pattern), c.matches) << c.path << " " << c.pattern;
}

#ifdef __linux__
// A writer waits until somebody opens a FIFO: what it writes then is lost when that one only looked and closes it.
TEST(InputFiles, AFifoIsNotOpenedToLookAtIt) {
  const TestFolder folder;
  const std::string fifo = folder.path("fifo"), file = folder.write("file", "text");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const internal::FileHandle watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const auto is_opened = [&](const std::string& path) {
    ::inotify_add_watch(watch.get(), path.c_str(), IN_OPEN);
    EXPECT_EQ(detect_table_format({path}), TableFormat::Text);
    std::array<char, 4096> events{};
    return ::read(watch.get(), events.data(), events.size()) > 0;
  };
  EXPECT_TRUE(is_opened(file)) << "the watch works";
  EXPECT_FALSE(is_opened(fifo));
}
#endif

TEST(InputFiles, KnowsFormatsByNameAndContent) {
  using internal::format_of_bytes;
  using internal::format_of_name;
  EXPECT_EQ(format_of_name("x.CSV.gz"), TableFormat::Csv);
  EXPECT_EQ(format_of_name("d.d/x.ndjson.zst"), TableFormat::JsonLines);
  EXPECT_EQ(format_of_name("https://host/x.parquet?token=a.b"), TableFormat::Parquet);
  EXPECT_EQ(format_of_name("x"), std::nullopt);
  EXPECT_EQ(format_of_bytes("PAR1..."), TableFormat::Parquet);
  EXPECT_EQ(format_of_bytes("ARROW1.."), TableFormat::ArrowFile);
  EXPECT_EQ(format_of_bytes("\xff\xff\xff\xff...."), TableFormat::ArrowStream);
  EXPECT_EQ(format_of_bytes(" {\"a\": 1}"), TableFormat::JsonLines);
  EXPECT_EQ(format_of_bytes("[\n {\"a\": 1}]"), TableFormat::Json);
  EXPECT_EQ(format_of_bytes("{curly} words"), std::nullopt);
  EXPECT_EQ(format_of_bytes("[1] a reference"), std::nullopt);
}

TEST(InputFiles, FindsFilesInOrder) {
  const TestFolder folder;
  for (const char* name : {"b.csv", "a.csv", "sub/c.csv", ".hidden.csv", "_SUCCESS", "odd[1].csv"})
    folder.write(name, "text\nx\n");
  const auto names = [&](const std::string& path) {
    const auto found = internal::find_input_files({folder.path(path)}, std::nullopt);
    std::vector<std::string> out;
    if (found)
      for (const std::string& file : found->files) out.push_back(file.substr(folder.path("").size()));
    else
      out.push_back(found.error().message);
    return out;
  };
  EXPECT_THAT(names("*.csv"), ElementsAre("a.csv", "b.csv", "odd[1].csv"));
  EXPECT_THAT(names("**/*.csv"), ElementsAre("a.csv", "b.csv", "odd[1].csv", "sub/c.csv"));
  EXPECT_THAT(names("*/*.csv"), ElementsAre("sub/c.csv"));
  EXPECT_THAT(names("odd[1].csv"), ElementsAre("odd[1].csv"));
  EXPECT_THAT(names(""), ElementsAre("a.csv", "b.csv", "odd[1].csv", "sub/c.csv"));
  EXPECT_THAT(names("*.tsv").front(), HasSubstr("no file matches"));
  EXPECT_THAT(names("no.csv").front(), HasSubstr("does not exist"));
  EXPECT_THAT(names("no/*.csv").front(), HasSubstr("there is no folder"));
}

TEST(InputFiles, FoldersMayNameAColumn) {
  const TestFolder folder;
  for (const char* key : {"year=2023", "year=007", "year=__HIVE_DEFAULT_PARTITION__", "year=a%20b"}) {
    folder.write(std::format("csv/{}/t.csv", key), "id,text\n1,x\n");
    folder.write(std::format("json/{}/t.jsonl", key), "{\"id\": 1, \"text\": \"x\"}\n");
    std::filesystem::create_directories(folder.path(std::format("parquet/{}", key)));
    write_parquet(folder.path(std::format("parquet/{}/t.parquet", key)), *small_table(1));
  }
  for (const char* kind : {"csv", "json", "parquet"}) {
    SCOPED_TRACE(kind);
    TableInput input = file_input(folder.path(kind), {"text"});
    const ReadTable read = read_table(input);
    EXPECT_EQ(read.error.message, "");
    EXPECT_EQ(read.kept_type("year"), "string");
    EXPECT_THAT(read.kept_values("year"), ElementsAre("007", "2023", "null", "a b"));
    input.where = "year = '007'";
    input.keep = Keep::Some;
    input.keep_columns = {"year"};
    EXPECT_THAT(read_table(input).kept_values("year"), ElementsAre("007"));
  }
}

TEST(InputFiles, RefusesWhatIsNoOneInput) {
  const TestFolder folder;
  folder.write("d/a.csv", "text\nx\n");
  folder.write("d/b.jsonl", "{\"text\": \"x\"}\n");
  folder.write("empty/_log", "");
  const auto message = [&](std::vector<std::string> paths) {
    TableInput input;
    input.paths = std::move(paths);
    return read_table(input).error.message;
  };
  EXPECT_THAT(message({folder.path("d")}), HasSubstr("holds tables of two kinds"));
  EXPECT_THAT(message({folder.path("d/a.csv"), folder.path("d/b.jsonl")}), HasSubstr("one input is of one kind"));
  EXPECT_THAT(message({folder.path("empty")}), HasSubstr("holds no table"));
  EXPECT_THAT(message({"-", folder.path("d/a.csv")}), HasSubstr("standard input"));
  EXPECT_THAT(message({"hf://datasets/a/b"}), HasSubstr("data set"));
  EXPECT_THAT(message({}), HasSubstr("no input"));
  EXPECT_THAT(message({"s3://bucket/x.parquet", folder.path("d/a.csv")}), HasSubstr("files and URLs"));
}

}  // namespace
}  // namespace llama
