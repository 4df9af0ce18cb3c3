#include "vectors/terminal_text.h"

#include <gtest/gtest.h>

namespace llama {
namespace {

TEST(TerminalText, IsCutToColumns) {
  EXPECT_EQ(fitted("abcdef", 6), "abcdef");
  EXPECT_EQ(fitted("abcdefg", 6), "abcde…");
  EXPECT_EQ(fitted("abc", 1), "…");
  EXPECT_EQ(fitted("abc", 0), "");
  EXPECT_EQ(fitted("", 5), "");
  EXPECT_EQ(padded_to("ab", 4), "ab  ");
  EXPECT_EQ(padded_to("abcdef", 4), "abc…");
}

TEST(TerminalText, CountsWhatCharactersTake) {
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("e\u0301"), 1U);
  EXPECT_EQ(fitted("日本語", 5), "日本…");
  EXPECT_EQ(fitted("日本語", 4), "日…");  // the second and the sign do not fit
  EXPECT_EQ(padded_to("日本語", 4), "日… ");
  EXPECT_EQ(fitted("e\u0301e\u0301", 2), "e\u0301e\u0301");
}

TEST(TerminalText, HasNothingThatCommandsATerminal) {
  EXPECT_EQ(fitted("a\x1b[31mb\x7f\x9b\r", 20), "a[31mb\ufffd");
  EXPECT_EQ(fitted("a\u009b2J\u202eb\u202c", 20), "a2Jb");
  EXPECT_EQ(fitted("two\nlines\tmore", 20), "two lines more");
  EXPECT_EQ(fitted("bad \xff bytes", 20), "bad \ufffd bytes");
}

}  // namespace
}  // namespace llama
