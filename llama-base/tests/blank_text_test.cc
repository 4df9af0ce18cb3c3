#include "llama-base/blank_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "llama-base/utf8.h"

namespace llama::internal {
namespace {

// Source   Unicode's PropList.txt, White_Space.
TEST(BlankText, IsUnicodesWhiteSpaceAndNothingElse) {
  std::set<char32_t> white = {0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
  for (char32_t c = 0x09; c <= 0x0d; ++c) white.insert(c);
  for (char32_t c = 0x2000; c <= 0x200a; ++c) white.insert(c);
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    char bytes[4];
    const std::string text(bytes, encode(c, bytes));
    ASSERT_EQ(is_blank(text), white.contains(c)) << std::hex << static_cast<unsigned>(c);
    ASSERT_EQ(is_blank(" " + text + "\t"), white.contains(c)) << std::hex << static_cast<unsigned>(c);
  }
  EXPECT_TRUE(is_blank(""));
  EXPECT_FALSE(is_blank("\xe2\x80"));
}

TEST(BlankTest, AgreesWithTheWholeLineHoweverItIsCut) {
  for (const std::string line :
       {"", "  \t", "\xe3\x80\x80\xc2\xa0", "\xe3\x80\x80 x", "\xe3", "\xe3\x80", "\xe2\x80\x8b", " \xc2", "ab"}) {
    for (std::size_t i = 0; i <= line.size(); ++i) {
      for (std::size_t k = i; k <= line.size(); ++k) {
        BlankTest test;
        for (const auto& piece : {line.substr(0, i), line.substr(i, k - i), line.substr(k)}) test.add(piece);
        EXPECT_EQ(test.is_blank(), is_blank(line)) << line << " " << i << " " << k;
      }
    }
  }
}

}  // namespace
}  // namespace llama::internal
