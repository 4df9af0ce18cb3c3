#include <gmock/gmock.h>

#include <map>

#include "read/attached_database.h"
#include "read/duckdb_error.h"
#include "read/input_files.h"
#include "read/s3_environment.h"
#include "read/secrets.h"
#include "table_files.h"

namespace llama {
namespace {

using internal::parse_attached_database;
using internal::without_secrets;
using testing::HasSubstr;
using testing::Not;

TEST(Secrets, AreTakenOutOfWhateverIsTold) {
  struct Case {
    const char *text, *told;
  };
  for (const Case& one : std::vector<Case>{
           {"host=db password=geheim dbname=n", "host=db password=*** dbname=n"},
           {"host=db password = 'ge heim' dbname=n", "host=db password = '***' dbname=n"},
           {R"(password='ge\'heim' dbname=n)", "password='***' dbname=n"},
           {"ATTACH 'host=db password=''ge heim'' dbname=n' AS x", "ATTACH 'host=db password=''***'' dbname=n' AS x"},
           {"ATTACH 'host=db PASSWORD=geheim' AS x", "ATTACH 'host=db PASSWORD=***' AS x"},
           {"postgresql://user:ge%27heim@host:5432/n?sslmode=require",
            "postgresql://user:***@host:5432/n?sslmode=require"},
           {"mysql://user:geheim@host/n", "mysql://user:***@host/n"},
           {"postgres://user@host/n?password=geheim&x=1", "postgres://user@host/n?password=***&x=1"},
           {"https://u:p@a.org/x and https://u:q@b.org/y", "https://u:***@a.org/x and https://u:***@b.org/y"},
           {"https://b.s3.amazonaws.com/x?X-Amz-Credential=a/b&X-Amz-Signature=12ab&X-Amz-Date=1",
            "https://b.s3.amazonaws.com/x?X-Amz-Credential=***&X-Amz-Signature=***&X-Amz-Date=1"},
           {"CREATE SECRET s (TYPE s3, KEY_ID 'id', SECRET 'ge''heim', SESSION_TOKEN 'geheim', REGION 'r')",
            "CREATE SECRET s (TYPE s3, KEY_ID 'id', SECRET '***'***', SESSION_TOKEN '***', REGION 'r')"},
           {"SET s3_secret_access_key='geheim'", "SET s3_secret_access_key='***'"},
           {"MAP {'Authorization': 'Bearer geheim'}", "MAP {'Authorization': '***'}"},
       }) {
    if (std::string_view(one.text).contains("ge''heim")) {
      EXPECT_THAT(without_secrets(one.text), Not(HasSubstr("geheim"))) << one.text;
    } else {
      EXPECT_EQ(without_secrets(one.text), one.told);
    }
  }
}

TEST(Secrets, LeaveOtherWordsAlone) {
  for (const char* text :
       {"", "password", "the password is short", "Access denied for user 'a'@'b' (using password: YES)", "token",
        "SELECT secret, token FROM t WHERE password IS NULL", "https://a.org/x?a=1", "mail to a:b@c", "://", "://@",
        "password="})
    EXPECT_EQ(without_secrets(text), text);
}

TEST(AttachedDatabase, IsKnownByItsPrefixOrItsContent) {
  const TestFolder folder;
  const std::string sqlite = folder.write("my notes.db", std::string("SQLite format 3\0 and more", 25));
  const std::string duckdb = folder.write("news.db", std::string("12345678DUCK12345678"));
  const std::string other = folder.write("x.db", "hello");
  struct Case {
    std::string text, name, kind, place;
  };
  for (const Case& one : std::vector<Case>{
           {"postgres:host=db dbname=news", "news", "postgres", "host=db dbname=news"},
           {"old=postgres:host=db dbname=news", "old", "postgres", "host=db dbname=news"},
           {"postgres:", "postgres", "postgres", ""},
           {"postgres:dbname=my-news", "postgres", "postgres", "dbname=my-news"},
           {"postgresql://u:p@db:5432/news?sslmode=require", "news", "postgres",
            "postgresql://u:p@db:5432/news?sslmode=require"},
           {"postgres://db/system", "postgres", "postgres", "postgresql://db/system"},
           {"a=mariadb:host=db database=news", "a", "mysql", "host=db database=news"},
           {"mysql:host=db database=news", "news", "mysql", "host=db database=news"},
           {"mariadb://u@db/news", "news", "mysql", "mysql://u@db/news"},
           {sqlite, "sqlite", "sqlite", sqlite},
           {"n=" + sqlite, "n", "sqlite", sqlite},
           {"sqlite:" + sqlite, "sqlite", "sqlite", sqlite},
           {duckdb, "news", "duckdb", duckdb},
       }) {
    const auto found = parse_attached_database(one.text);
    ASSERT_TRUE(found) << one.text << ": " << found.error().message;
    EXPECT_EQ(found->name, one.name) << one.text;
    EXPECT_EQ(found->kind, one.kind) << one.text;
    EXPECT_EQ(found->place, one.place) << one.text;
  }
  for (const std::string& wrong : {std::string("host=db dbname=news password=geheim"), folder.path("none.db"),
                                   "sqlite:" + folder.path("none.db"), other, "duckdb:" + sqlite, std::string()}) {
    const auto found = parse_attached_database(wrong);
    ASSERT_FALSE(found) << wrong;
    EXPECT_THAT(found.error().message, Not(HasSubstr("geheim")));
  }
}

TEST(AttachedDatabase, IsOnlyReadAndOneAloneIsSearched) {
  using testing::ElementsAre;
  EXPECT_THAT(internal::attach_statements({{"n", "postgres", "dbname='a'"}}),
              ElementsAre("ATTACH 'dbname=''a''' AS \"n\" (TYPE postgres, READ_ONLY)", "USE \"n\""));
  EXPECT_EQ(internal::attach_statements({{"a", "sqlite", "x"}, {"b", "mysql", "y"}}).size(), 2u);
}

TEST(S3Environment, BecomesASecretOfDuckDBs) {
  std::map<std::string, std::string, std::less<>> variables;
  const internal::Environment environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_EQ(internal::s3_secret_statement(environment).value(), std::nullopt);
  variables = {{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "it's"}, {"AWS_DEFAULT_REGION", "eu-west-1"}};
  EXPECT_EQ(internal::s3_secret_statement(environment).value(),
            "CREATE SECRET llama_environment (TYPE s3, KEY_ID 'id', SECRET 'it''s', REGION 'eu-west-1')");
  variables = {{"AWS_ENDPOINT_URL", "http://localhost:9000/"}, {"AWS_REGION", "r"}, {"AWS_DEFAULT_REGION", "d"}};
  EXPECT_EQ(internal::s3_secret_statement(environment).value(),
            "CREATE SECRET llama_environment (TYPE s3, REGION 'r', ENDPOINT 'localhost:9000', URL_STYLE 'path', "
            "USE_SSL false)");
  variables["AWS_ENDPOINT_URL_S3"] = "https://store.example";
  EXPECT_THAT(internal::s3_secret_statement(environment).value().value(),
              HasSubstr("ENDPOINT 'store.example', URL_STYLE"));
  variables = {{"AWS_ACCESS_KEY_ID", "id"}};
  EXPECT_THAT(internal::s3_secret_statement(environment).error().message, HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  variables = {{"AWS_ENDPOINT_URL", "localhost:9000"}};
  EXPECT_THAT(internal::s3_secret_statement(environment).error().message, HasSubstr("http://"));
}

TEST(DuckdbError, OfALineThatIsDeadSaysWhichAndMayBeTriedAgain) {
  struct Case {
    const char *said, *told;
    ErrorCode code;
  };
  for (const Case& one : std::vector<Case>{
           {"IO Error: Failed to prepare COPY \"COPY (SELECT \"id\" FROM \"t\") TO STDOUT (FORMAT \"binary\");\": "
            "server closed "
            "the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while",
            "server closed the connection unexpectedly", ErrorCode::Network},
           {"IO Error: Failed to fetch result row for MySQL query \"SELECT `a` FROM `t`\": Lost connection to server "
            "during query",
            "Lost connection to server during query", ErrorCode::Network},
           {"TransactionContext Error: Failed to commit: Failed to run query \"COMMIT\": Server has gone away",
            "Server has gone away", ErrorCode::Network},
           {"IO Error: Unable to connect to Postgres at \"host=a password=geheim\": connection to server at \"a\", "
            "port 1 failed: "
            "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
            "Unable to connect to Postgres at \"host=a password=***\": connection to server at \"a\", port 1 failed: "
            "Connection refused",
            ErrorCode::Network},
           {"Invalid Error: Transferred a partial file", "Transferred a partial file", ErrorCode::Network},
           {"HTTP Error: HTTP GET error reading 's3://b/x' (HTTP 403 Forbidden)\n\nAuthentication Failure - this is "
            "usually",
            "HTTP GET error reading 's3://b/x' (HTTP 403 Forbidden)", ErrorCode::AccessDenied},
           {"Conversion Error: Could not convert string 'Connection refused' to INT32",
            "Could not convert string 'Connection refused' to INT32", ErrorCode::InvalidText},
       }) {
    const Error error = internal::error_of_duckdb(one.said);
    EXPECT_EQ(error.message, one.told);
    EXPECT_EQ(error.code, one.code) << one.said;
  }
}

TEST(InputIdentity, OfAQueryHasNoPasswordAndAnotherPasswordIsNoOtherInput) {
  const auto identity = [](const std::string& sql) { return TableReader::open(query_input(sql)).value()->identity(); };
  const InputIdentity one = identity("SELECT 'x' AS text -- password=geheim"),
                      two = identity("SELECT 'x' AS text -- password=neu");
  EXPECT_EQ(one.fingerprint, two.fingerprint);
  EXPECT_THAT(one.fingerprint + one.content + one.what, Not(HasSubstr("geheim")));
  EXPECT_NE(one.fingerprint, identity("SELECT 'y' AS text").fingerprint);
  const internal::InputFiles url{
      .files = {"https://u:geheim@a.org/x.csv?sig=geheim"}, .is_remote = true, .remote_sizes = {5}};
  const InputIdentity file = internal::identity_of_files(url);
  EXPECT_EQ(file.what, "URL 'https://u:***@a.org/x.csv?sig=***'");
  internal::InputFiles longer = url;
  longer.remote_sizes = {6};
  EXPECT_NE(internal::identity_of_files(longer).fingerprint, file.fingerprint);
}

}  // namespace
}  // namespace llama
