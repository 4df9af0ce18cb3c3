#include "llama-tokenizer/composition.h"

#include <gtest/gtest.h>

namespace llama {
namespace {

TEST(Composition, JoinsCharactersWithTheirMarks) {
  EXPECT_EQ(compose("plain"), "plain");
  EXPECT_EQ(compose("cafe\u0301"), "caf\u00e9");
  EXPECT_EQ(compose("\u1112\u1161\u11ab"), "\ud55c");  // three jamo, one syllable
  EXPECT_EQ(compose("\u2126"), "\u03a9");              // OHM SIGN
  EXPECT_EQ(compose(""), "");
}

TEST(Composition, LeavesCharactersAloneThatCameAfterUnicode9) {
  EXPECT_EQ(compose("\U00011935\U00011930"), "\U00011935\U00011930");  // of Unicode 13, composed since
}

TEST(Composition, KnowsTheFamilies) {
  EXPECT_TRUE(family_composes("qwen2"));
  EXPECT_FALSE(family_composes("llama-bpe"));
  EXPECT_FALSE(family_composes(""));
}

}  // namespace
}  // namespace llama
