#include "llama-base/utf8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/utf8_stream.h"

namespace llama::internal {
namespace {

std::vector<std::string> random_pieces(const std::string& text, std::mt19937& random) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = 1 + random() % 5;
    pieces.push_back(text.substr(at, length));
    at += length;
  }
  return pieces;
}

TEST(Utf8Stream, AnySplitGivesTheSameText) {
  const std::string text = "aé漢字🙂\xF0\x9F\x98 \xFF\xC3(\xE2\x82z\xED\xA0\x80!";
  const std::string whole = whole_characters(text);
  EXPECT_EQ(whole, "aé漢字🙂\uFFFD \uFFFD\uFFFD(\uFFFDz\uFFFD\uFFFD\uFFFD!");
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    Utf8Stream stream;
    std::string told;
    for (const auto& piece : random_pieces(text, random)) told += stream.push(piece);
    EXPECT_EQ(told + stream.finish(), whole);
  }
}

// Cases of the Unicode Standard, table 3-7, and the ends of each length.
TEST(Utf8, KnowsWhatIsNone) {
  for (const std::string_view good : {"", "a", "\u007F\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF"})
    EXPECT_TRUE(is_utf8(good));
  for (const std::string_view bad : {"\x80", "\xC0\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\xC3"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Utf8, ReadsWhatItWrote) {
  for (char32_t c = 1; c < 0x110000; c += c < 0x900 ? 1 : 97) {
    if (c >= 0xD800 && c < 0xE000) continue;
    char bytes[4];
    const std::size_t length = encode(c, bytes);
    const Decoded read = decode(std::string_view(bytes, length), 0);
    ASSERT_EQ(read.character, c);
    ASSERT_EQ(read.length, length);
  }
}

}  // namespace
}  // namespace llama::internal
