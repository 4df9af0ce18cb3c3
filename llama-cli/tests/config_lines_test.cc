#include "config_lines.h"

#include <gmock/gmock.h>

namespace llama {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(ConfigLines, FindsEverySetting) {
  const auto found = find_config_lines(
      "# a comment\r\nmodel = \"x # \\\" y\" # more\n\ncolumn = [\"a\", # first\n  'b]',\n]\n"
      "normalize = true\nbatch-size=3\n\"text-as\" = '''a\nb'''\nlast = [1, [2]]");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(*found, ElementsAre(Pair("model", 2), Pair("column", 4), Pair("normalize", 7), Pair("batch-size", 8),
                                  Pair("text-as", 9), Pair("last", 11)));
  EXPECT_TRUE(find_config_lines("")->empty());
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
  EXPECT_EQ(fault("a = 1\n[embed]\n"), "line 2: a section; flags stand without one");
  EXPECT_EQ(fault("a = 1\nb = 1\na = 2"), "line 3: a is in line 1 already");
}

}  // namespace
}  // namespace llama
