#include "config_lines.h"

#include <gmock/gmock.h>

namespace llama {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

auto is_line(const std::string& name, std::size_t line) {
  return AllOf(Field(&ConfigLine::name, name), Field(&ConfigLine::line, line));
}

// The values of the one setting in it.
std::vector<std::string> values_of(std::string_view text) {
  const auto found = find_config_lines(text);
  return found ? found->front().values : std::vector{found.error().message};
}

TEST(ConfigLines, FindsEverySetting) {
  const auto found = find_config_lines(
      "# a comment\r\nmodel = \"x # \\\" y\" # more\n\ncolumn = [\"a\", # first\n  'b]',\n]\n"
      "normalize = true\nbatch-size=3\n\"text-as\" = '''a\nb'''\nlast = [1, [2]]");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(*found, ElementsAre(is_line("model", 2), is_line("column", 4), is_line("normalize", 7),
                                  is_line("batch-size", 8), is_line("text-as", 9), is_line("last", 11)));
  EXPECT_TRUE(find_config_lines("")->empty());
}

TEST(ConfigLines, ReadsWhatAValueSays) {
  EXPECT_THAT(values_of("a = true"), ElementsAre("true"));
  EXPECT_THAT(values_of("a = 1_000 # more"), ElementsAre("1_000"));
  EXPECT_THAT(values_of("a = \"\""), ElementsAre(""));
  EXPECT_THAT(values_of("a = []"), IsEmpty());
  EXPECT_THAT(values_of("a = [ # first\n  \"b\", # it's \"b\"\n\n  'c, d]',\n]"), ElementsAre("b", "c, d]"));
  EXPECT_THAT(values_of("\xef\xbb\xbf"
                        "a = ['b']\r\n"),
              ElementsAre("b"));
  EXPECT_THAT(values_of("'a' = \"b # c, d = e `f\""), ElementsAre("b # c, d = e `f"));
  EXPECT_THAT(values_of(R"(a = "\"b\" \\ \t\u00e9\U0001F600")"), ElementsAre("\"b\" \\ \té😀"));
  EXPECT_THAT(values_of(R"(a = '\n "b"')"), ElementsAre(R"(\n "b")"));
  EXPECT_THAT(values_of("a = ''''b''c'''''"), ElementsAre("'b''c''"));
  EXPECT_THAT(values_of("a = \"\"\"\nb\n c \\\n   d\"\"\""), ElementsAre("b\n c d"));
}

TEST(ConfigLines, NamesTheLineOfWhatIsNoToml) {
  const auto fault = [](std::string_view text) {
    const auto found = find_config_lines(text);
    return found ? "(none)" : found.error().message;
  };
  EXPECT_EQ(fault("a = 1\nmodel \"x\"\n"), "line 2: no NAME = VALUE");
  EXPECT_EQ(fault("a = 1\n\n= 2\n"), "line 3: no NAME = VALUE");
  EXPECT_EQ(fault("a = \"x\nb = \"y\"\n"), "line 1: a quote opens and never closes");
  EXPECT_EQ(fault("a = 'x"), "line 1: a quote opens and never closes");
  EXPECT_EQ(fault("a = 1\nb = [\"x\",\n\"y\"\nc = 2\n"), "line 2: the array that begins here has no ]");
  EXPECT_EQ(fault("b = [1, 2"), "line 1: the array that begins here has no ]");
  EXPECT_EQ(fault("b = [1,, 2]"), "line 1: the array that begins here has no ]");
  EXPECT_EQ(fault("a =\nb = 1"), "line 1: no value of a");
  EXPECT_EQ(fault("a = 1 2"), "line 1: something follows the value of a");
  EXPECT_TRUE(fault("\na = \"\\d\"").starts_with("line 2: between \" and \" a \\ is"));
  EXPECT_EQ(fault("a = \"\\ud800\""), "line 1: after \\u come the 4 hexadecimal digits of a character");
  EXPECT_EQ(fault("a = \"\\u12\""), "line 1: after \\u come the 4 hexadecimal digits of a character");
  EXPECT_EQ(fault("a = 1\n[embed]\n"), "line 2: a section; flags stand without one");
  EXPECT_EQ(fault("a = 1\nb = 1\na = 2"), "line 3: a is in line 1 already");
}

}  // namespace
}  // namespace llama
