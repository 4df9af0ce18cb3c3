#include "llama-tokenizer/word_bpe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llama {
namespace {

const std::vector<VocabularyEntry> kPairPieces{{"<s>", TokenKind::Control},
                                               {"<pad>", TokenKind::Control},
                                               {"</s>", TokenKind::Control},
                                               {"<unk>", TokenKind::Control},
                                               {"a"},
                                               {"b"},
                                               {"c"},
                                               {"ab"},
                                               {"bc"},
                                               {"abc"},
                                               {"\u4f60"},
                                               {"\u597d"},
                                               {"\u4f60\u597d"},
                                               {"i"},
                                               {"\u0307"},
                                               {"aa"},
                                               {"aaaa"},
                                               {"A"},
                                               {"Odd", TokenKind::UserDefined},
                                               {""},
                                               {"<"},
                                               {"z", TokenKind::Unused}};
constexpr Token kPairUnk = 3, kPairA = 4, kPairB = 5, kPairC = 6, kPairAb = 7, kPairBc = 8, kPairNi = 10,
                kPairHello = 12, kPairI = 13, kPairDot = 14, kPairAa = 15, kPairAaaa = 16, kPairCapitalA = 17,
                kPairOdd = 18, kPairLess = 20;
const std::vector<std::string> kPairMerges{"b c", "\u4f60 \u597d", "a b", "a a", "aa aa"};

using PairTokens = std::vector<Token>;

PairTokens pairs_of(std::string_view text, bool lowercase = true, SpecialTokens special = SpecialTokens::Parse) {
  return WordBpeTokenizer::create(kPairPieces, kPairMerges, {.lowercase = lowercase}).value().tokenize(text, special);
}

TEST(WordBpe, MergesTheLowestRankFirst) {
  EXPECT_EQ(pairs_of("abc"), (PairTokens{kPairA, kPairBc}));
  EXPECT_EQ(pairs_of("ab"), PairTokens{kPairAb});
  EXPECT_EQ(pairs_of("\u4f60\u597d"), PairTokens{kPairHello});
  EXPECT_EQ(pairs_of("\u4f60 \u597d\u4f60"), (PairTokens{kPairNi, kPairHello - 1, kPairNi}));
}

TEST(WordBpe, MergesTheLeftmostOfEqualRanksFirst) {
  EXPECT_EQ(pairs_of("aaa"), (PairTokens{kPairAa, kPairA}));
  EXPECT_EQ(pairs_of("aaaaa"), (PairTokens{kPairAaaa, kPairA}));
  EXPECT_EQ(pairs_of("aaab"), (PairTokens{kPairAa, kPairAb}));
}

TEST(WordBpe, WhiteSpaceEndsAWordAndHasNoToken) {
  EXPECT_EQ(pairs_of("  b \t\r\n\u3000\u2028c "), (PairTokens{kPairB, kPairC}));
  EXPECT_EQ(pairs_of(""), PairTokens{});
  EXPECT_EQ(pairs_of("   "), PairTokens{});
}

TEST(WordBpe, EachUnknownCharacterIsAToken) {
  EXPECT_EQ(pairs_of("x\u9f98a"), (PairTokens{kPairUnk, kPairUnk, kPairA}));
  EXPECT_EQ(pairs_of("z"), PairTokens{kPairUnk});  // unused
}

TEST(WordBpe, LowersCaseOneCharacterAtATime) {
  EXPECT_EQ(pairs_of("AB\u0130"), (PairTokens{kPairAb, kPairI, kPairDot}));
  EXPECT_EQ(pairs_of("AB", false), (PairTokens{kPairCapitalA, kPairUnk}));
}

TEST(WordBpe, AddedTokensAreTakenOut) {
  EXPECT_EQ(pairs_of("a<pad>b"), (PairTokens{kPairA, 1, kPairB}));
  EXPECT_EQ(pairs_of("b<s>", true, SpecialTokens::Text), (PairTokens{kPairB, kPairLess, kPairUnk, kPairUnk}));
  EXPECT_EQ(pairs_of("aoDDb"),
            (PairTokens{kPairA, kPairOdd, kPairB}));  // found in the normalized text, as it is normalized itself
}

TEST(WordBpe, StopsOnceThereIsEnough) {
  const auto made = WordBpeTokenizer::create(kPairPieces, kPairMerges, {.lowercase = true}).value();
  EXPECT_EQ(made.tokenize("b c b c", SpecialTokens::Parse, 3, PairTokens{0}), (PairTokens{0, kPairB, kPairC}));
}

TEST(WordBpe, LeavesOutWhatIsNoUtf8) { EXPECT_EQ(pairs_of("a\xff\xe4\xbd b"), (PairTokens{kPairA, kPairB})); }

TEST(WordBpe, RefusesAVocabularyThatDoesNotHold) {
  const auto error = [](std::vector<std::string> merges, Token unknown = kPairUnk) {
    const auto made = WordBpeTokenizer::create(kPairPieces, merges, {.unknown = unknown});
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(error({"a b", "ab"}), "the merge 1 of the vocabulary has one part only");
  EXPECT_EQ(error({"a q"}), "the merge 0 of the vocabulary is of pieces that it does not have");
  EXPECT_EQ(error({"b a"}), "the merge 0 of the vocabulary is of pieces that it does not have");
  EXPECT_EQ(error({}, 99), "the unknown token 99 is outside the vocabulary of 22");
  EXPECT_FALSE(WordBpeTokenizer::create({}, {}, {}).has_value());
}

TEST(WordBpe, AWordOfAMillionCharacters) {
  EXPECT_EQ(pairs_of(std::string(1 << 20, 'a')), PairTokens(1 << 18, kPairAaaa));
}

}  // namespace
}  // namespace llama
