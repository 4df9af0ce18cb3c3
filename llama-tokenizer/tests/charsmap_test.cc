#include "charsmap.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "charsmap_bytes.h"

namespace llama::internal {
namespace {

TEST(Charsmap, FindsTheShortestStringThatATextBeginsWith) {
  const auto map = Charsmap::parse(charsmap_bytes({{"a", "x"}, {"ab", "y"}, {"\u00e9", ""}, {"cd", "zzz"}})).value();
  EXPECT_EQ(map.first_match("a"), "x");
  EXPECT_EQ(map.first_match("ab"), "x");
  EXPECT_EQ(map.first_match("\u00e9"), "");
  EXPECT_EQ(map.first_match("cde"), "zzz");
  EXPECT_EQ(map.first_match("c"), std::nullopt);
  EXPECT_EQ(map.first_match("b"), std::nullopt);
  EXPECT_EQ(map.first_match(""), std::nullopt);
  EXPECT_EQ(map.first_match(std::string_view("\0a", 2)), std::nullopt);
}

TEST(Charsmap, RefusesOneThatIsCutShort) {
  const auto whole = charsmap_bytes({{"a", "x"}, {"b", "y"}});
  const std::size_t trie = whole.size() - 4;
  for (std::size_t size = 0; size < trie; size += size < 16 ? 1 : 97) {
    const auto cut = Charsmap::parse(std::span(whole).first(size));
    ASSERT_FALSE(cut.has_value()) << size;
    EXPECT_EQ(cut.error().code, ErrorCode::InvalidModel);
  }
  EXPECT_FALSE(Charsmap::parse(std::span(whole).first(trie)).has_value());  // y begins behind the end
}

TEST(Charsmap, RefusesOneThatPointsOutsideItself) {
  // Every unit, with each of its bits turned: a map or an error, and answers within bounds.
  const auto whole = charsmap_bytes({{"a", "x"}, {"bc", "\u00e9"}});
  std::size_t refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto turned = whole;
      turned[at] = static_cast<unsigned char>(turned[at] ^ 1 << bit);
      const auto map = Charsmap::parse(turned);
      if (!map) {
        ++refused;
        EXPECT_EQ(map.error().code, ErrorCode::InvalidModel);
        continue;
      }
      for (const char* text : {"a", "bc", "bcd", "\u00e9", "~"}) static_cast<void>(map->first_match(text));
    }
  }
  EXPECT_GT(refused, 30u);
}

TEST(Charsmap, RefusesReplacementsThatAreNotUtf8) {
  EXPECT_FALSE(Charsmap::parse(charsmap_bytes({{"a", "\xff"}})).has_value());
  auto inside = charsmap_bytes({{"a", "\u00e9"}});
  // The value of "a" is the only unit of block 2: one byte further, into the middle of the character.
  inside[4 + 2 * 256 * 4] = 1;
  EXPECT_FALSE(Charsmap::parse(inside).has_value());
}

}  // namespace
}  // namespace llama::internal
