#include "llama-tokenizer/wordpiece.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace llama {
namespace {

// A small vocabulary in the GGUF's notation.
const std::vector<VocabularyEntry> kVocabulary{{"[PAD]", TokenKind::Control},
                                               {"[UNK]", TokenKind::Control},
                                               {"[CLS]", TokenKind::Control},
                                               {"[SEP]", TokenKind::Control},
                                               {"[MASK]", TokenKind::Control},
                                               {"\u2581un"},
                                               {"aff"},
                                               {"able"},
                                               {"\u2581a"},
                                               {"\u2581,"},
                                               {"\u2581\u4e2d"},
                                               {"\u2581\u1112"},
                                               {"\u1161"},
                                               {"\u11ab"},
                                               {"\u2581caf\u00e9"},
                                               {"\u2581cafe"},
                                               {"\u2581A"},
                                               {"\u2581new york", TokenKind::UserDefined},
                                               {"\u2581york"},
                                               {"\u2581x"},
                                               {"x"},
                                               {""},
                                               {"\u2581x"}};

constexpr Token kUnk = 1, kMask = 4, kUn = 5, kAff = 6, kAble = 7, kA = 8, kComma = 9, kZhong = 10, kH = 11, kAe = 12,
                kN = 13, kAccented = 14, kCafe = 15, kCapitalA = 16, kNewYork = 17, kYork = 18, kX = 19, kXx = 20;

std::vector<Token> tokens(std::string_view text, WordPieceOptions options = {.unknown = kUnk},
                          SpecialTokens special = SpecialTokens::Parse) {
  return WordPieceTokenizer::create(kVocabulary, options).value().tokenize(text, special);
}

using Tokens = std::vector<Token>;

TEST(WordPiece, TakesTheLongestPieceEachTime) {
  EXPECT_EQ(tokens("unaffable"), (Tokens{kUn, kAff, kAble}));
  EXPECT_EQ(tokens("UNaffable a"), (Tokens{kUn, kAff, kAble, kA}));
  EXPECT_EQ(tokens("unaffably"), Tokens{kUnk});
  EXPECT_EQ(tokens(""), Tokens{});
  EXPECT_EQ(tokens(" \t\r\n\u3000\u2028"), Tokens{});
}

TEST(WordPiece, CutsAtPunctuationAndIdeographs) {
  EXPECT_EQ(tokens("a,a"), (Tokens{kA, kComma, kA}));
  EXPECT_EQ(tokens("a\u4e2da"), (Tokens{kA, kZhong, kA}));
  EXPECT_EQ(tokens(",,"), (Tokens{kComma, kComma}));
}

TEST(WordPiece, LeavesControlCharactersOut) {
  EXPECT_EQ(tokens(std::string("u\0n\u200d\u00adaff\ufffd\x7f", 13)), (Tokens{kUn, kAff}));
}

TEST(WordPiece, DecomposesHangul) { EXPECT_EQ(tokens("\ud55c"), (Tokens{kH, kAe, kN})); }

// The table of characters is made page by page, by whoever needs one first.
TEST(WordPiece, GivesEveryThreadTheSame) {
  const WordPieceOptions options{.lowercase = false, .strip_accents = true, .unknown = kUnk};  // no other test's table
  const auto tokenizer = WordPieceTokenizer::create(kVocabulary, options).value();
  std::string text;  // a character of 4 bytes from each page of planes 1 to 3, and a syllable to be taken apart
  for (unsigned page = 0x100; page < 0x400; ++page) {
    const unsigned c = page << 8U | 0x41U;
    for (const unsigned byte :
         {0xf0U | c >> 18U, 0x80U | (c >> 12U & 0x3fU), 0x80U | (c >> 6U & 0x3fU), 0x80U | (c & 0x3fU)})
      text += static_cast<char>(byte);
    text += " \ud55c,";
  }
  std::vector<Tokens> found(4);
  {
    std::vector<std::jthread> threads;
    for (Tokens& one : found) threads.emplace_back([&] { one = tokenizer.tokenize(text, SpecialTokens::Parse); });
  }
  for (const Tokens& one : found) EXPECT_EQ(one, tokenizer.tokenize(text, SpecialTokens::Parse));
  EXPECT_EQ(std::ranges::count(found.front(), kComma), 0x300);
}

TEST(WordPiece, StripsAccentsAndCaseOnlyWhenTold) {
  EXPECT_EQ(tokens("CAF\u00c9"), Tokens{kCafe});
  EXPECT_EQ(tokens("cafe\u0301"), Tokens{kCafe});
  EXPECT_EQ(tokens("CAF\u00c9", {.lowercase = true, .strip_accents = false, .unknown = kUnk}), Tokens{kAccented});
  EXPECT_EQ(tokens("A a", {.lowercase = false, .strip_accents = false, .unknown = kUnk}), (Tokens{kCapitalA, kA}));
}

TEST(WordPiece, KnowsNoWordOfMoreThanAHundredCharacters) {
  const std::string hundred(100, 'x');
  Tokens expected(100, kXx);
  expected[0] = kX;
  EXPECT_EQ(tokens(hundred), expected);
  EXPECT_EQ(tokens(hundred + "x"), Tokens{kUnk});
  EXPECT_EQ(tokens(std::string(10'000'000, 'x') + " a"), (Tokens{kUnk, kA}));
}

TEST(WordPiece, FindsAddedTokens) {
  EXPECT_EQ(tokens("a[MASK]a"), (Tokens{kA, kMask, kA}));
  EXPECT_EQ(tokens("[mask]"), (Tokens{kUnk, kUnk, kUnk}));
  EXPECT_EQ(tokens("[MASK]", {.unknown = kUnk}, SpecialTokens::Text), (Tokens{kUnk, kUnk, kUnk}));
  EXPECT_EQ(tokens("NEW York york"), (Tokens{kNewYork, kYork}));
}

TEST(WordPiece, StopsWhenThereAreEnough) {
  const auto tokenizer = WordPieceTokenizer::create(kVocabulary, {.unknown = kUnk}).value();
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "a ";
  EXPECT_EQ(tokenizer.tokenize(text, SpecialTokens::Parse, 10).size(), 10u);
}

TEST(WordPiece, RefusesAVocabularyWithoutItsUnknownToken) {
  EXPECT_EQ(WordPieceTokenizer::create({}, {}).error().code, ErrorCode::InvalidModel);
  EXPECT_EQ(WordPieceTokenizer::create(kVocabulary, {.unknown = 100}).error().code, ErrorCode::InvalidModel);
  EXPECT_EQ(WordPieceTokenizer::create(kVocabulary, {.unknown = -1}).error().code, ErrorCode::InvalidModel);
}

TEST(WordPiece, ReadsAVocabularyOfAMillion) {
  std::vector<VocabularyEntry> vocabulary{{"[UNK]", TokenKind::Control}};
  for (int i = 0; i < 1'000'000; ++i) vocabulary.push_back({"\u2581w" + std::to_string(i)});
  const auto tokenizer = WordPieceTokenizer::create(vocabulary, {.unknown = 0}).value();
  EXPECT_EQ(tokenizer.tokenize("w999999 w7", SpecialTokens::Parse), (Tokens{1'000'000, 8}));
}

TEST(WordPiece, SurvivesAnyBytes) {
  EXPECT_EQ(tokens("\xff\xc3(\xe2\x82 a\xf0"), (Tokens{kUnk, kA}));  // "(" is no piece
}

}  // namespace
}  // namespace llama
