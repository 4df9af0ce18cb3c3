#include <gmock/gmock.h>

#include <thread>

#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string json_error(std::string path) {
  const ReadTable read = read_table(file_input(std::move(path), {"text"}));
  EXPECT_EQ(read.error.message.find('\n'), std::string::npos) << read.error.message;
  return read.error.message;
}

TEST(Json, StringsStayStrings) {
  const TestFolder folder;
  const ReadTable read = read_table(file_input(
      folder.write(
          "t.jsonl",
          "{\"text\": \"2024-01-05\", \"d\": \"2024-01-05\", \"u\": \"6F9619FF-8B86-D011-B42D-00CF4FC964FF\", "
          "\"t\": \"10:00:00\", \"at\": \"2024-01-05T10:00:00Z\", \"n\": \"01\", \"in\": {\"d\": \"2020-02-02\"}}\n"),
      {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("2024-01-05"));
  for (const char* name : {"d", "u", "t", "at", "n"}) EXPECT_EQ(read.kept_type(name), "string") << name;
  EXPECT_THAT(read.kept_values("u"), ElementsAre("6F9619FF-8B86-D011-B42D-00CF4FC964FF"));
  EXPECT_EQ(read.kept_type("in"), "struct<d: string>");
}

TEST(Json, KeepsKeysThatComeLate) {
  const TestFolder folder;
  std::string lines;
  for (int i = 0; i < 30'000; ++i) lines += std::format("{{\"id\": {}, \"text\": \"hello\"}}\n", i);
  lines += "{\"id\": 1.5, \"text\": \"last\", \"new\": [1, 2]}\n";
  const ReadTable read = read_table(file_input(folder.write("t.jsonl", lines), {"text"}));
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 30'001u);
  EXPECT_EQ(read.kept_type("id"), "double");
  EXPECT_EQ(read.kept_values("new").front(), "null");
  EXPECT_THAT(read.kept_values("new").back(), HasSubstr("2"));
}

TEST(Json, AFileIsItsNameAndNoPattern) {
  const TestFolder folder;
  folder.write("r1.jsonl", "{\"text\": \"another\"}\n");
  EXPECT_THAT(read_table(file_input(folder.write("r[1].jsonl", "{\"text\": \"a\"}\n"), {"text"})).texts(),
              ElementsAre("a"));
}

TEST(Json, AnObjectMayBeEmpty) {
  const TestFolder folder;
  EXPECT_THAT(read_table(file_input(folder.write("t.jsonl", "{}\n{\"text\": \"a\"}\n{}\n"), {"text"})).texts(),
              ElementsAre("(null)", "a", "(null)"));
}

TEST(Json, ATextAmongOtherValuesIsAText) {
  const TestFolder folder;
  const ReadTable read = read_table(
      file_input(folder.write("t.jsonl", "{\"text\": \"a\"}\n{\"text\": 5}\n{\"text\": null}\n{}\n"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a", "5", "(null)", "(null)"));
}

TEST(Json, NamesFileAndLineOfWhatIsBroken) {
  const TestFolder folder;
  std::string lines;
  for (int i = 0; i < 25'000; ++i) lines += std::format("{{\"id\": {}, \"text\": \"hello\"}}\n", i);
  const std::string cut =
      folder.write("cut.jsonl", lines + "{\"id\": 5, \"text\": \"x\n{\"id\": 6, \"text\": \"y\"}\n");
  EXPECT_THAT(json_error(cut), HasSubstr(std::format("file '{}', line 25001: broken JSON", cut)));
  const std::string first = folder.write("first.jsonl", "{\"id\": }\n" + lines);
  EXPECT_THAT(json_error(first), HasSubstr("line 1: broken JSON"));
  const std::string end = folder.write("end.jsonl", lines + R"({"id": 5, "text":)");
  EXPECT_THAT(json_error(end), HasSubstr("line 25001: broken JSON"));
  EXPECT_THAT(json_error(folder.write("a.json", R"([{"text": "a"}, {"text": ])")), HasSubstr("broken JSON"));
  EXPECT_EQ(read_table(file_input(cut, {"text"})).error.code, ErrorCode::InvalidText);
}

TEST(Json, NamesTheLineOfABrokenArray) {
  const TestFolder folder;
  const auto error = [&](std::string_view json) {
    const std::string path = folder.write("a.json", json);
    const std::string message = json_error(path), begin = std::format("file '{}', ", path);
    return message.starts_with(begin) ? message.substr(begin.size()) : message;
  };
  const std::string objects = "{\"text\": \"a]},\\\"\"},\n{\"text\": \"b\"}";
  EXPECT_EQ(error("[" + objects + ",\n\n{\"text\": oops},\n{\"text\": \"c\"}]"),
            "line 4: broken JSON: the object that begins here");
  EXPECT_EQ(error("[\n" + objects + "\n{\"text\": \"c\"}\n]\n"), "line 4: broken JSON: no comma between two objects");
  EXPECT_EQ(error("[\n" + objects + ",\n{\"text\": \"c"),
            "line 4: broken JSON: the object that begins here does not end");
  EXPECT_EQ(error("[\n" + objects + ",,\n]"), "line 3: broken JSON: no object where one is expected");
  EXPECT_EQ(error("[\n" + objects + ",\n]"), "line 4: broken JSON: no object where one is expected");
  EXPECT_EQ(error("[\n" + objects + "]\n[" + objects + "]"),
            "line 4: broken JSON: something follows the end of the array");
  for (const char* end : {"", " ", "\n", ",", ",\n", ",\n\n "})
    EXPECT_THAT(error("[" + objects + end), HasSubstr("broken JSON: the array does not end; is the file cut short?"));
  // Objects over lines, without an array.
  EXPECT_EQ(error("{\"text\":\n\"a\"}\n{\"text\":\n\"b\"}\n{\"text\":\noops}\n"),
            "line 5: broken JSON: the object that begins here");
  EXPECT_EQ(error("{\"text\":\n\"a\"},\n{\"text\":\n\"b\"}"), "line 2: broken JSON: no object where one is expected");

  std::string many = "[";
  for (int i = 0; i < 50'000; ++i) many += std::format("{{\"id\": {}, \"text\":\n\"hello\"}},\n", i);
  EXPECT_EQ(error(many + "{\"text\" 5}]"), "line 100001: broken JSON: the object that begins here");
  EXPECT_EQ(read_table(file_input(folder.write("b.json", "[\n" + objects + "\n]\n \n"), {"text"})).texts().size(), 2u);
}

TEST(Json, WantsObjects) {
  const TestFolder folder;
  EXPECT_THAT(json_error(folder.write("t.jsonl", "\"text\"\n\"more\"\n")), HasSubstr("object"));
  const ReadTable empty = read_table(file_input(folder.write("empty.jsonl", ""), {"text"}));
  EXPECT_NE(empty.error.message, "");
}

TEST(Json, SkipsEmptyLines) {
  const TestFolder folder;
  EXPECT_THAT(
      read_table(file_input(folder.write("t.jsonl", "\n{\"text\": \"a\"}\r\n\n  \n{\"text\": \"b\"}"), {"text"}))
          .texts(),
      ElementsAre("a", "b"));
}

TEST(Json, FilesOfOneInputMayLackKeys) {
  const TestFolder folder;
  folder.write("d/a.jsonl", "{\"text\": \"a\", \"x\": 1}\n");
  folder.write("d/b.jsonl", "{\"y\": true, \"text\": \"b\"}\n");
  const ReadTable read = read_table(file_input(folder.path("d"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a", "b"));
  EXPECT_THAT(read.kept_values("x"), ElementsAre("1", "null"));
  EXPECT_THAT(read.kept_values("y"), ElementsAre("null", "true"));
}

TEST(Json, ReadsACellOfFortyMegabytes) {
  const TestFolder folder;
  const std::string big(40 << 20, 'x');
  folder.write("t.jsonl", "{\"text\": \"small\"}\n{\"text\": \"" + big + "\"}\n{\"text\": \"last\"}\n");
  const ReadTable read = read_table(file_input(folder.path("t.jsonl"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 3u);
  EXPECT_TRUE(read.cells[1][0] == big);
}

TEST(Json, APipesFirstObjectsSayTheColumns) {
  TestPipe pipe;
  pipe.write("{\"id\": 1, \"text\": \"a\", \"n\": {\"x\": [1, 2]}, \"a/b\": true, \"f\": 1, \"mix\": 1}\n");
  pipe.write("{\"text\": 5, \"f\": 2.5, \"u\": null, \"mix\": \"x\"}\n\n");
  pipe.close();
  const ReadTable read = read_table(file_input(pipe.path(), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a", "5"));
  EXPECT_EQ(read.kept_type("id"), "int64");
  EXPECT_THAT(read.kept_values("id"), ElementsAre("1", "null"));
  EXPECT_THAT(read.kept_values("n"), ElementsAre("{\"x\":[1,2]}", "null"));
  EXPECT_THAT(read.kept_values("a/b"), ElementsAre("true", "null"));
  EXPECT_EQ(read.kept_type("f"), "double");
  EXPECT_THAT(read.kept_values("mix"), ElementsAre("1", "\"x\""));
}

TEST(Json, AnObjectOfAPipeThatDoesNotFitIsNamed) {
  for (const auto& [line, what] : std::vector<std::pair<std::string, std::string>>{
           {R"({"id": 1.5, "text": "x"})", "line 30001: a key or a type"},
           {R"({"id": 1, "text": "x", "new": 1})", "line 30001: a key or a type"},
           {R"({"id": 18446744073709551615, "text": "x"})", "line 30001: a key or a type"},
           {R"({"id": 1, "text": "x)", "line 30001: broken JSON"},
           {"[1]", "line 30001: JSON that is no object"}}) {
    TestPipe pipe;
    std::jthread writer([&] {
      std::string lines;
      for (int i = 0; i < 30'000; ++i) lines += std::format("{{\"id\": {}, \"text\": \"line {}\"}}\n", i, i);
      pipe.write(lines + line + "\n");
      pipe.close();
    });
    const ReadTable read = read_table(file_input(pipe.path(), {"text"}));
    EXPECT_THAT(read.error.message, HasSubstr(what));
    EXPECT_EQ(read.error.code, ErrorCode::InvalidText);
    EXPECT_GE(read.cells.size(), 20'000u);
  }
}

TEST(Json, AnArrayOfAPipeIsRefused) {
  TestPipe pipe;
  pipe.write(R"([{"text": "a"}])");
  pipe.close();
  EXPECT_THAT(read_table(file_input(pipe.path(), {"text"})).error.message, HasSubstr("one object a line (jq -c"));
}

TEST(Json, ComesThroughAPipe) {
  TestPipe pipe;
  std::jthread writer([&] {
    for (int i = 0; i < 50'000; ++i) pipe.write(std::format("{{\"id\": {}, \"text\": \"line {}\"}}\n", i, i));
    pipe.close();
  });
  const ReadTable read = read_table(file_input(pipe.path(), {"text"}));
  EXPECT_EQ(read.error.message, "");
  ASSERT_EQ(read.cells.size(), 50'000u);
  EXPECT_EQ(read.texts().back(), "line 49999");
  EXPECT_EQ(read.kept_type("id"), "int64");
}

}  // namespace
}  // namespace llama
