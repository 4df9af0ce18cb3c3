// The text of config files and of files of variables, before anybody looks at what they say.
#include <gmock/gmock.h>

#include "config/config_json.h"
#include "config/variables.h"

namespace llama::internal {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ConfigText, TakesCommasBeforeABracketOutAndNoOthers) {
  const std::pair<const char*, const char*> kRows[] = {
      {"[1,2,]", "[1,2 ]"},
      {"{\"a\":1, /* x, */ }", "{\"a\":1  /* x, */ }"},
      {"[1, // ,]\n ]", "[1  // ,]\n ]"},
      {R"(["a,]", "b\",}"])", R"(["a,]", "b\",}"])"},
      {"[1,,]", "[1, ]"},
      {",", ","},
      {"[1 // ,", "[1 // ,"},
  };
  for (const auto& [text, sound] : kRows) EXPECT_EQ(without_trailing_commas(text), sound) << text;
}

TEST(ConfigText, ReadsAFileOfVariables) {
  auto read = parse_env_file("# x\n\nA=1\r\nexport B = \"two words\"\nC='3'\nD=a=b\n");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_THAT(*read, ElementsAre(Pair("A", "1"), Pair("B", "two words"), Pair("C", "3"), Pair("D", "a=b")));
  auto wrong = parse_env_file("A=1\nsecret\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "line 2: no NAME=VALUE");
}

}  // namespace
}  // namespace llama::internal
