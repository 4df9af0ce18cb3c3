#include <gmock/gmock.h>

#include "read/database.h"
#include "read/query_check.h"
#include "read/sql_text.h"
#include "table_files.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Query, AColumnThatIsNotThereIsToldInPlainWords) {
  const TestFolder folder;
  write_parquet(folder.path("t.parquet"), *small_table(3));
  TableInput input = file_input(folder.path("t.parquet"), {"text"});
  input.where = "nope = 1";
  const Error error = read_table(input).error;
  EXPECT_EQ(error.code, ErrorCode::InvalidQuery);
  EXPECT_TRUE(error.message.starts_with("there is no column 'nope'")) << error.message;
  EXPECT_FALSE(error.message.contains("row_of_the_batch")) << error.message;
  for (const char* own : {"row_of_the_batch < 1", "\"ROW_of_the_batch\" < 1 or row_of_the_batch_ is null"}) {
    input.where = own;
    const Error unknown = read_table(input).error;
    EXPECT_EQ(unknown.code, ErrorCode::InvalidQuery) << own;
    EXPECT_TRUE(unknown.message.starts_with("there is no column '")) << unknown.message;
    EXPECT_FALSE(unknown.message.contains("near it are 'row_of")) << unknown.message;
  }
  input.where = "abs(text) = 1";
  EXPECT_FALSE(read_table(input).error.message.contains("TINYINT")) << read_table(input).error.message;
}

// A column of the user's may be called as one of our own.
TEST(Query, AConditionReadsTheUsersColumnsAndNoOther) {
  const TestFolder folder;
  const auto renamed = small_table(3)->RenameColumns({"Row_of_the_batch", "text"});
  ASSERT_TRUE(renamed.ok());
  write_parquet(folder.path("t.parquet"), **renamed);
  TableInput input = file_input(folder.path("t.parquet"), {"text"});
  input.where = "row_of_the_batch = 2";
  const ReadTable read = read_table(input);
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("a 2"));
}

TEST(Query, ReadsWhatASelectGives) {
  const TestFolder folder;
  const std::string path = folder.write("t.csv", "id,text\n1,b\n2,a\n3,c\n");
  const std::string sql = std::format("SELECT id * 2 AS twice, text FROM '{}' ORDER BY text DESC; -- done", path);
  TableInput input = query_input(sql);
  ReadTable read = read_table(input);
  EXPECT_EQ(read.error.message, "");
  EXPECT_THAT(read.texts(), ElementsAre("c", "b", "a"));
  EXPECT_THAT(read.kept_values("twice"), ElementsAre("6", "2", "4"));
  input.where = "twice > 2";
  input.limit = 1;
  EXPECT_THAT(read_table(input).texts(), ElementsAre("c"));
  input.limit = 5;
  EXPECT_THAT(read_table(input).texts(), ElementsAre("c", "a"));
}

// They are one name to DuckDB.
TEST(Query, KeepsColumnsThatDifferOnlyInCapitals) {
  TableInput input =
      query_input("SELECT range AS a, 'x' || range AS text, range * 10 AS A, range * 100 AS a FROM range(3)");
  input.keep = Keep::Some;
  input.keep_columns = {"A"};
  for (const char* where : {"", "a > 0"}) {
    input.where = where;
    const ReadTable read = read_table(input);
    EXPECT_EQ(read.error.message, "");
    EXPECT_EQ(read.kept_values("A").back(), "20");
    EXPECT_EQ(read.texts().back(), "x2");
    EXPECT_EQ(read.cells.size(), input.where.empty() ? 3u : 2u);
  }
}

TEST(Query, KeepsTypesThatAFileHasNot) {
  const ReadTable read = read_table(query_input(
      "SELECT 'x' AS text, 1.50::DECIMAL(9,2) AS price, [1, 2]::INTEGER[] AS list, {'a': 1, 'b': 'y'} AS pair, "
      "TIMESTAMPTZ '2024-01-02 03:04:05+00' AS at, 7::UTINYINT AS small, NULL AS nothing"));
  EXPECT_EQ(read.error.message, "");
  EXPECT_EQ(read.kept_type("price"), "decimal128(9, 2)");
  EXPECT_EQ(read.kept_type("list"), "list<l: int32>");
  EXPECT_EQ(read.kept_type("pair"), "struct<a: int32, b: string>");
  EXPECT_EQ(read.kept_type("at"), "timestamp[us, tz=UTC]");
  EXPECT_EQ(read.kept_type("small"), "uint8");
  EXPECT_THAT(read.kept_values("price"), ElementsAre("1.50"));
}

TEST(Query, RefusesWhatWrites) {
  const TestFolder folder;
  const std::string out = folder.path("out.csv"), database = folder.path("new.db");
  for (const std::string& sql : std::vector<std::string>{
           std::format("COPY (SELECT 1) TO '{}'", out),
           "CREATE TABLE t AS SELECT 1",
           "INSERT INTO t VALUES (1)",
           std::format("ATTACH '{}' AS d; SELECT 'x' AS text", database),
           "DROP TABLE t",
           "",
           "SELECT 1; SELECT 'x' AS text",
           std::format("EXPORT DATABASE '{}'", folder.path("all")),
           "CALL pragma_version()",
           "WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x",
           "PRAGMA version",
           "INSTALL spatial",
           "SELECT * FROM postgres_execute('x', 'DROP TABLE t')",
           "CREATE PERSISTENT SECRET s (TYPE s3); SELECT 'x' AS t",
           std::format("/* SELECT */ COPY (SELECT 1) TO '{}'", out),
           std::format("SET VARIABLE x = 1; COPY (SELECT 1) TO '{}'; SELECT 'x' AS text", out),
           "SELECT * FROM \"postgres_execute\"('x', 'DROP TABLE t')",
           "SELECT * FROM a.b.Postgres_Execute('x', 'DROP TABLE t')",
           "SELECT * FROM query('SELECT 1')",
           "SELECT 'x' AS text FROM enable_logging()",
           "SELECT 'x' AS text /* /* */ ' */ FROM enable_logging() -- '",
           "SELECT 'x' AS text, 1 AS a$$ FROM enable_logging() -- $$",
           "SELECT * FROM postgres_query('x', 'COMMIT')",
           "SELECT * FROM postgres_query('x', 'SELECT 1; COMMIT')",
           "SELECT * FROM postgres_query('x', 'SELECT 1', prepare=false)",
           "SELECT * FROM postgres_query('x', 'SEL' || 'ECT 1')",
           "SELECT * FROM postgres_query('x', E'SELECT 1')",
           "SELECT * FROM postgres_query('x', $$SELECT 1$$)",
           "SELECT * FROM postgres_query('x', 'WITH w AS (DELETE FROM t RETURNING a) SELECT * FROM w')",
           std::format("ATTACH '{}' AS read_only; SELECT 'x' AS text", database),
           std::format("ATTACH '{}' AS d (READ_ONLY false); SELECT 'x' AS text", database),
           std::format("ATTACH '{}' AS d (READ_ONLY, READ_WRITE); SELECT 'x' AS text", database),
           std::format("SET log_query_path = '{}'; SELECT 'x' AS text", out),
           std::format("SET \"log_query_path\" = '{}'; SELECT 'x' AS text", out),
           "SET GLOBAL autoinstall_known_extensions = true; SELECT 'x' AS text",
           "SET mysql_enable_transactions = false; SELECT 'x' AS text",
           "SET VARIABLE x = (SELECT 1); SELECT 'x' AS text",
           "LOAD '/tmp/x.duckdb_extension'; SELECT 'x' AS text",
           "CREATE SECRET s IN local_file (TYPE s3); SELECT 'x' AS text"}) {
    SCOPED_TRACE(sql);
    const ReadTable read = read_table(query_input(sql));
    EXPECT_EQ(read.error.code, ErrorCode::InvalidQuery) << read.error.message;
    EXPECT_THAT(read.error.message, testing::Not(HasSubstr("\n")));
    EXPECT_NE(read.error.message, "");
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_FALSE(std::filesystem::exists(database));
}

TEST(Query, AllowsWordsOfWritingWhereTheyAreNone) {
  for (const char* sql : {"SELECT 'COPY (SELECT 1) TO x; DROP TABLE t' AS text", "SELECT 'x' AS \"delete\"",
                          "SELECT replace('ax', 'a', '') AS text", "WITH t AS (SELECT 'x' AS text) SELECT * FROM t",
                          "FROM (VALUES ('x')) v(text)", "SELECT $$;'INSERT$$ AS text -- ; DELETE",
                          "(SELECT 'x' AS text)", "SET VARIABLE n = 'x'; SELECT getvariable('n') AS text",
                          "VALUES ('x')", "SET s3_region = 'eu-west-1'; SET threads = 2; SELECT 'x' AS text",
                          "SELECT query AS text FROM (SELECT 'x' AS query)",
                          "CREATE SECRET s (TYPE s3, KEY_ID 'in', SECRET 'x'); SELECT 'x' AS text",
                          "SELECT 'x' AS text /* /* ' */ ' */", "SELECT 'it''s; DELETE' AS text"}) {
    SCOPED_TRACE(sql);
    const ReadTable read = read_table(query_input(sql));
    EXPECT_EQ(read.error.message, "");
    EXPECT_EQ(read.cells.size(), 1u);
  }
}

TEST(Query, SaysWhatIsWrongInOneLine) {
  const auto message = [](std::string sql) { return read_table(query_input(std::move(sql))).error.message; };
  EXPECT_THAT(message("SELECT FROM WHERE"), HasSubstr("syntax error"));
  EXPECT_THAT(message("SELECT nosuch FROM range(3)"), HasSubstr("nosuch"));
  EXPECT_THAT(message("SELECT * FROM nosuch"), HasSubstr("nosuch"));
  EXPECT_THAT(message("SELECT * FROM '/no/such/file.parquet'"), HasSubstr("/no/such/file.parquet"));
  EXPECT_THAT(message("SELECT ? AS text"), HasSubstr("parameter"));
  for (const char* sql : {"SELECT FROM WHERE", "SELECT nosuch FROM range(3)", "SELECT * FROM nosuch"})
    EXPECT_THAT(message(sql), testing::Not(HasSubstr("\n")));
}

// DuckDB would wait there for ever. What is compared is no file.
TEST(Query, ReadsNoDeviceButComparesItsName) {
  for (const char* sql : {"FROM '/dev/null'",
                          "select * from\n'/dev/null'",
                          "SELECT * FROM \"/dev/null\" AS t",
                          "FROM /* it */ '/dev/null'",
                          "FROM range(3) JOIN '/dev/null' ON true",
                          "FROM range(3) AS t, '/dev/null'",
                          "FROM ('/dev/null' CROSS JOIN range(3))",
                          "SELECT * FROM Read_CSV('/dev/null')",
                          "SELECT * FROM read_csv(['no.csv', '/dev/null'])",
                          "SELECT * FROM read_json(['no.json', '/dev/null'], format => 'auto')",
                          "SELECT * FROM \"read_csv\"('file:///dev/null')",
                          "SELECT * FROM parquet_scan(list_value('/dev/null'))",
                          "SELECT * FROM sqlite_scan('/dev/null', 'notes')",
                          "SELECT * FROM read_text($$/dev/null$$)",
                          "SELECT 1 WHERE 'x' IN (FROM '/dev/null')",
                          "FROM E'/dev/null'",
                          "WITH t AS (SELECT * FROM '/dev/null') SELECT * FROM t",
                          "DESCRIBE '/dev/null'",
                          "PIVOT '/dev/null' ON a",
                          "SELECT 'x' AS text FROM range(3) WHERE true UNION ALL SELECT text FROM '/dev/null'",
                          "ATTACH IF NOT EXISTS '/dev/null' AS d (TYPE sqlite, READ_ONLY); SELECT 'x' AS text"}) {
    const Error error = read_table(query_input(sql)).error;
    EXPECT_EQ(error.code, ErrorCode::InvalidArgument) << sql;
    EXPECT_EQ(error.message,
              "the query: '/dev/null' is a pipe or a device; write what comes from it into a file, and name that")
        << sql;
  }
  for (const char* sql :
       {"SELECT 'x' AS text WHERE '/dev/null' <> 'x'", "SELECT 'x' AS text, '/dev/null' AS device",
        "SELECT 'x' AS text FROM (VALUES ('/dev/null'), ('/dev/zero')) v(device) WHERE device = '/dev/null'",
        "SELECT 'x' AS text WHERE 'x' IS DISTINCT FROM '/dev/null'", "SELECT trim('x' FROM '/dev/null') AS text",
        "SELECT 'x' AS text FROM range(1) t(a) WHERE concat(a) IN ('0', '/dev/null') ORDER BY a, a || '/dev/null'",
        "SELECT replace('x', '/dev/null', '') AS text FROM range(1)",
        "FROM range(1) SELECT 'x' AS text, '/dev/null' AS a",
        "SET VARIABLE d = '/dev/null'; SELECT getvariable('d') AS text", "SELECT 'x' AS \"/dev/null\"",
        "SELECT text FROM range(1), (SELECT 'x' AS text, ['/dev/null'] AS devices)"}) {
    const ReadTable read = read_table(query_input(sql));
    EXPECT_EQ(read.error.message, "") << sql;
    EXPECT_EQ(read.cells.size(), 1u) << sql;
  }
}

TEST(Query, ARowThatCannotBeComputedEndsTheInputAfterThoseBefore) {
  const ReadTable read = read_table(query_input(
      "SELECT CASE WHEN range = 50000 THEN error('it broke') ELSE range::VARCHAR END AS text FROM range(100000)"));
  EXPECT_THAT(read.error.message, HasSubstr("it broke"));
  EXPECT_GT(read.cells.size(), 10'000u);
}

TEST(Query, NamesAMissingExtension) {
  const ReadTable read = read_table(query_input("SELECT * FROM st_read('x.shp')"));
  EXPECT_EQ(read.error.code, ErrorCode::InvalidQuery);
  EXPECT_THAT(read.error.message, HasSubstr("spatial"));
}

TEST(Query, ReadsASqliteDatabaseReadOnly) {
  const TestFolder folder;
  const std::string path = folder.path("t.sqlite");
  // DuckDB's own writing makes the file.
  {
    auto database = internal::DuckDatabase::open(256 << 20).value();
    auto made = database->run(std::format("ATTACH '{}' AS s (TYPE sqlite)", path), {});
    if (!made) GTEST_SKIP() << "this DuckDB has no SQLite: " << made.error().message;
    made = database->run("CREATE TABLE s.notes AS SELECT range AS id, 'note ' || range AS text FROM range(5)", {});
    ASSERT_TRUE(made) << made.error().message;
  }
  const std::string attach = std::format("ATTACH '{}' AS s (TYPE sqlite, READ_ONLY); ", path);
  EXPECT_THAT(read_table(query_input(attach + "SELECT * FROM s.notes WHERE id > 2")).texts(),
              ElementsAre("note 3", "note 4"));
  EXPECT_THAT(read_table(query_input(std::format("SELECT text FROM sqlite_scan('{}', 'notes') LIMIT 1", path))).texts(),
              ElementsAre("note 0"));
  const ReadTable writing =
      read_table(query_input(std::format("ATTACH '{}' AS s (TYPE sqlite); SELECT * FROM s.notes", path)));
  EXPECT_THAT(writing.error.message, HasSubstr("READ_ONLY"));
  const ReadTable missing = read_table(query_input(attach + "SELECT * FROM s.nosuch"));
  EXPECT_EQ(missing.error.code, ErrorCode::InvalidQuery);
  EXPECT_THAT(missing.error.message, HasSubstr("nosuch"));
}

TEST(SqlText, SplitsStatements) {
  using internal::split_statements;
  EXPECT_THAT(split_statements("a; b -- x;y\n ; /* ; */ 'c;' ;;"), ElementsAre("a", "b", "'c;'"));
  EXPECT_THAT(split_statements(" -- nothing\n"), ElementsAre());
  EXPECT_EQ(internal::sql_string("it's"), "'it''s'");
  EXPECT_EQ(internal::sql_name("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace llama
