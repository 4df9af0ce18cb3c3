// The columns that JSON objects have together.
#include <gmock/gmock.h>

#include "read/json_structure.h"
#include "table_files.h"
#include "test_pipe.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(JsonShape, IsWhatAllStructuresSay) {
  const auto sql_of = [](const std::vector<std::string_view>& structures) -> std::string {
    internal::JsonShape merged;
    for (const std::string_view structure : structures) {
      auto shape = internal::parse_json_structure(structure);
      if (!shape) return "(unreadable)";
      merged.merge(std::move(*shape));
    }
    return merged.sql();
  };
  EXPECT_EQ(sql_of({R"({"id":"UBIGINT","a \"b\" \u00e4":["VARCHAR"],"o":"JSON","e":["NULL"]})"}),
            "STRUCT(\"id\" BIGINT, \"a \"\"b\"\" \xc3\xa4\" VARCHAR[], \"o\" JSON, \"e\" JSON[])");
  EXPECT_EQ(sql_of({R"({"a":"NULL"})", R"({"a":"BIGINT","b":"BOOLEAN"})", R"({"a":"DOUBLE"})"}),
            "STRUCT(\"a\" DOUBLE, \"b\" BOOLEAN)");
  EXPECT_EQ(sql_of({R"({"a":"UBIGINT"})", R"({"a":"VARCHAR"})"}), "STRUCT(\"a\" JSON)");
  EXPECT_EQ(sql_of({R"({"a":{"x":["NULL"]}})", R"({"a":{"x":[["BOOLEAN"]],"y":"DOUBLE"}})"}),
            "STRUCT(\"a\" STRUCT(\"x\" BOOLEAN[][], \"y\" DOUBLE))");
  EXPECT_EQ(sql_of({R"({"a":["VARCHAR"]})", R"({"a":"VARCHAR"})"}), "STRUCT(\"a\" JSON)");
  EXPECT_EQ(sql_of({R"({"a":{"Type":"VARCHAR"}})", R"({"a":{"type":"VARCHAR"}})"}), "STRUCT(\"a\" JSON)");
  for (const char* bad : {"", "{", R"({"a")", R"({"a":)", R"(["VARCHAR")", "\"VARCHAR", "\"VARCHAR\"x"})
    EXPECT_EQ(sql_of({bad}), "(unreadable)") << bad;
}

// A structure says only that there is a whole number.
TEST(JsonShape, IsWhatTheObjectsThemselvesSayOfLargeNumbers) {
  const auto sql_of = [](std::string_view structure, const std::vector<std::string_view>& objects) -> std::string {
    auto merged = internal::parse_json_structure(structure).value();
    for (const std::string_view object : objects) {
      auto shape = internal::shape_of_json(object);
      if (!shape) return "(unreadable)";
      merged.merge(std::move(*shape));
    }
    return merged.sql();
  };
  EXPECT_EQ(sql_of(R"({"a":"UBIGINT"})", {R"( { "a" : 9223372036854775807 } )"}), "STRUCT(\"a\" BIGINT)");
  EXPECT_EQ(sql_of(R"({"a":"UBIGINT"})", {R"({"a":9223372036854775808})"}), "STRUCT(\"a\" UBIGINT)");
  EXPECT_EQ(sql_of(R"({"a":"BIGINT"})", {R"({"a":18446744073709551615})"}), "STRUCT(\"a\" JSON)");
  EXPECT_EQ(sql_of(R"({"a":"UBIGINT"})", {R"({"a":-1})", R"({"a":18446744073709551615})"}), "STRUCT(\"a\" JSON)");
  EXPECT_EQ(sql_of(R"({"a":"DOUBLE"})", {R"({"a":18446744073709551616})"}), "STRUCT(\"a\" DOUBLE)");
  const std::string_view all = R"({"s":"x, \"y\"","t":true,"n":null,"f":1e3,"e":[],"o":{},"l":[{"u":1},{"v":[2]}]})";
  const std::string_view structure = R"({"s":"VARCHAR","t":"BOOLEAN","n":"NULL","f":"DOUBLE","e":["NULL"],"o":"JSON",)"
                                     R"("l":[{"u":"UBIGINT","v":["UBIGINT"]}]})";
  EXPECT_EQ(sql_of(structure, {all}), sql_of(structure, {}));
  for (const char* bad : {"{", "{\"a\":", "{\"a\":[1", "{\"a\":[1,", "{\"a\":,}", "{\"a\":1}}"})
    EXPECT_EQ(sql_of(structure, {bad}), "(unreadable)") << bad;
}

TEST(Json, KeepsWholeNumbersOf64BitsWithoutASign) {
  const std::string lines =
      "{\"text\": \"a\", \"id\": 18446744073709551615, \"in\": {\"x\": [9300000000000000000]}, \"mix\": -1}\n"
      "{\"text\": \"b\", \"id\": 5, \"in\": {\"x\": [1]}, \"mix\": 18446744073709551615}\n";
  const TestFolder folder;
  const ReadTable read = read_table(file_input(folder.write("t.jsonl", lines), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_EQ(read.kept_type("id"), "uint64");
  EXPECT_THAT(read.kept_values("id"), ElementsAre("18446744073709551615", "5"));
  EXPECT_THAT(read.kept_type("in"), HasSubstr("uint64"));
  EXPECT_THAT(read.kept_values("mix"), ElementsAre("-1", "18446744073709551615"));
  TestPipe pipe;
  pipe.write(lines);
  pipe.close();
  const ReadTable piped = read_table(file_input(pipe.path(), {"text"}));
  EXPECT_EQ(piped.error.message, "");
  EXPECT_THAT(piped.kept_values("id"), ElementsAre("18446744073709551615", "5"));
  EXPECT_EQ(piped.kept_type("id"), "uint64");
  EXPECT_THAT(piped.kept_values("mix"), ElementsAre("-1", "18446744073709551615"));
}

// They are one name to DuckDB.
TEST(Json, KeepsKeysThatDifferOnlyInCapitals) {
  const TestFolder folder;
  folder.write("year=2024/t.jsonl",
               "{\"text\": \"a\", \"URL\": 1, \"in\": {\"Type\": 1}, \"l\": [1]}\n"
               "{\"text\": null, \"url\": \"u\", \"in\": {\"type\": null}, \"l\": null, \"mix\": 5}\n"
               "{\"url\": \"v\", \"mix\": \"m\", \"text\": \"c\"}\n");
  const ReadTable read = read_table(file_input(folder.path("year=2024"), {"text"}));
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a", "(null)", "c"));
  EXPECT_THAT(read.kept_values("URL"), ElementsAre("1", "null", "null"));
  EXPECT_EQ(read.kept_type("URL"), "int64");
  EXPECT_THAT(read.kept_values("url"), ElementsAre("null", "u", "v"));
  EXPECT_THAT(read.kept_values("in"), ElementsAre("{\"Type\":1}", "{\"type\":null}", "null"));
  EXPECT_EQ(read.kept_type("l"), "list<l: int64>");
  EXPECT_THAT(read.kept_values("mix"), ElementsAre("null", "5", "\"m\""));
  EXPECT_THAT(read.kept_values("year"), ElementsAre("2024", "2024", "2024"));
  TableInput some = file_input(folder.path("year=2024"), {"text"});
  some.where = "l IS NOT NULL";
  EXPECT_THAT(read_table(some).texts(), ElementsAre("a"));
  EXPECT_THAT(read_table(some).kept_values("url"), ElementsAre("null"));
}

}  // namespace
}  // namespace llama
