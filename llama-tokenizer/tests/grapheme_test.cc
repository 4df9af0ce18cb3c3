// Against ICU's own break iterator, which knows the same rules; and some clusters by hand.
#include "grapheme.h"

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/unistr.h>
#include <unicode/uvernum.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace llama::internal {
namespace {

// Lengths of the clusters, in code points.
std::vector<std::size_t> clusters(const std::u32string& text) {
  const TraitsTable& table = TraitsTable::get();
  std::vector<std::size_t> lengths;
  for (std::size_t at = 0; at < text.size();) {
    Cluster cluster(table[text[at]]);
    std::size_t end = at + 1;
    while (end < text.size() && cluster.joins(table[text[end]])) ++end;
    lengths.push_back(end - at);
    at = end;
  }
  return lengths;
}

using Lengths = std::vector<std::size_t>;

TEST(Grapheme, KeepsMarksWithTheirLetter) {
  EXPECT_EQ(clusters(U"abc"), (Lengths{1, 1, 1}));
  EXPECT_EQ(clusters(U"e\u0323\u0302x"), (Lengths{3, 1}));
  EXPECT_EQ(clusters(U"\u30ab\u3099"), (Lengths{2}));
  EXPECT_EQ(clusters(U"\uff76\uff9e"), (Lengths{2}));
  EXPECT_EQ(clusters(U"\u0301\u0301"), (Lengths{2}));
  EXPECT_EQ(clusters(U"\r\n\n\r"), (Lengths{2, 1, 1}));
}

TEST(Grapheme, KeepsSyllablesAndFlagsAndFamiliesTogether) {
  EXPECT_EQ(clusters(U"\u1112\u1161\u11ab\u1100"), (Lengths{3, 1}));
  EXPECT_EQ(clusters(U"\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7\U0001F1E6"), (Lengths{2, 2, 1}));
  EXPECT_EQ(clusters(U"\U0001F468\u200d\U0001F469\U0001F469"), (Lengths{3, 1}));
  EXPECT_EQ(clusters(U"a\u200d\U0001F469"), (Lengths{2, 1}));
}

TEST(Grapheme, AgreesWithIcu) {
  // The characters that the rules speak of, and any other.
  const std::u32string pool =
      U"a\r\n\t\u0300\u0301\u0308\u200d\u200c\u0903\u093e\u0600\u0605\u1100\u1161\u11a8\uac00\uac01\U0001F1E6\U0001F1E7"
      U"\U0001F468\u00a9\u2764\ufe0f\U0001F3FB\u0915\u0924\u094d\u093c\u0a95\u0acd\u200b\u00ad\u3099\uff9e\U000E0020";
  std::mt19937 random(11);
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> theirs(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  ASSERT_TRUE(U_SUCCESS(status));
  for (int i = 0; i < 50'000; ++i) {
    std::u32string text(1 + random() % 12, U'a');
    for (char32_t& c : text) {
      c = random() % 4 != 0 ? pool[random() % pool.size()] : random() % 0x20000;
      if (c >= 0xd800 && c < 0xe000) c = U'b';
    }
    const auto unicode =
        icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()), static_cast<int32_t>(text.size()));
    theirs->setText(unicode);
    Lengths expected;
    for (int32_t last = theirs->first(), at = theirs->next(); at != icu::BreakIterator::DONE; at = theirs->next()) {
      expected.push_back(static_cast<std::size_t>(unicode.countChar32(last, at - last)));
      last = at;
    }
    ASSERT_EQ(clusters(text), expected) << i;
  }
}

}  // namespace
}  // namespace llama::internal
