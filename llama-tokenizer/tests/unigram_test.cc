#include "llama-tokenizer/unigram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>

#include "charsmap_bytes.h"

namespace llama {
namespace {

using UnigramTokens = std::vector<Token>;

// A part of nmt_nfkc.
const std::vector<unsigned char>& charsmap() {
  static const auto kBytes = charsmap_bytes({{"\u30ab\u3099", "\u30ac"},  // six bytes, as in the published map
                                             {"\uff76", "\u30ab"},
                                             {"\uff9e", "\u3099"},
                                             {"\u1112\u1161", "\ud558"},
                                             {"a\u0323", "\u1ea1"},
                                             {"a\u0323\u0302", "\u1ead"},
                                             {"e\u0301", "\u00e9"},
                                             {"\u00bd", "1\u20442"},
                                             {"\u3000", " "},
                                             {"\n", " "},
                                             {"\uff1c", "<"},
                                             {"\uff1e", ">"},
                                             {"\u00ad", ""}});
  return kBytes;
}

// Token i is entry i.
const std::vector<VocabularyEntry> kPieces{
    {"<s>", TokenKind::Control},       {"<pad>", TokenKind::Control},     {"</s>", TokenKind::Control},
    {"<unk>", TokenKind::Unknown},     {"\u2581", TokenKind::Normal, -3}, {"a", TokenKind::Normal, -4},
    {"b", TokenKind::Normal, -4},      {"ab", TokenKind::Normal, -6},     {"\u2581a", TokenKind::Normal, -5},
    {"bb", TokenKind::Normal, -5},     {"\u30ab", TokenKind::Normal, -7}, {"\u3099", TokenKind::Normal, -7},
    {"\u30ac", TokenKind::Normal, -7}, {"\u1112", TokenKind::Normal, -7}, {"\u1161", TokenKind::Normal, -7},
    {"\u11ab", TokenKind::Normal, -7}, {"\ud55c", TokenKind::Normal, -7}, {"\u1ea1", TokenKind::Normal, -7},
    {"\u1ead", TokenKind::Normal, -7}, {"\u00e9", TokenKind::Normal, -7}, {"<extra>", TokenKind::UserDefined},
    {"<", TokenKind::Normal, -7},      {">", TokenKind::Normal, -7},      {"s", TokenKind::Normal, -7},
    {"unused", TokenKind::Unused},     {"<mask>", TokenKind::Control},    {"xy", TokenKind::Normal, -8}};
constexpr Token kUnknownPiece = 3, kSpace = 4, kLetterA = 5, kLetterB = 6, kAb = 7, kSpaceA = 8, kBb = 9, kKa = 10,
                kVoiced = 11, kHieuh = 13, kVowelA = 14, kNieun = 15, kDotted = 17, kAcute = 19, kExtra = 20,
                kLess = 21, kMore = 22, kLetterS = 23, kMaskPiece = 25;

UnigramTokenizer unigram(std::span<const VocabularyEntry> pieces = kPieces, const UnigramOptions& options = {}) {
  return UnigramTokenizer::create(pieces, charsmap(), options).value();
}
UnigramTokens tokens_of(std::string_view text, SpecialTokens special = SpecialTokens::Parse) {
  return unigram().tokenize(text, special);
}

// The table of what llama.cpp and sentencepiece read differently; the published tokens are those of transformers 5.12.
TEST(Unigram, ComposesNoMoreThanThePublishedNormalizer) {
  EXPECT_EQ(tokens_of("\u30ab\u3099"), (UnigramTokens{kSpace, kKa, kVoiced}));  // as a Mac writes file names
  EXPECT_EQ(tokens_of("\uff76\uff9e"), (UnigramTokens{kSpace, kKa, kVoiced}));  // half-width
  EXPECT_EQ(tokens_of("\u1112\u1161\u11ab"), (UnigramTokens{kSpace, kHieuh, kVowelA, kNieun}));
  EXPECT_EQ(tokens_of("a\u0323\u0302"), (UnigramTokens{kSpace, kDotted}));  // the second mark is lost
  EXPECT_EQ(tokens_of("e\u0301"), (UnigramTokens{kSpace, kAcute}));
}

TEST(Unigram, CutsAtWhiteSpaceAndMarkers) {
  EXPECT_EQ(tokens_of("a b"), (UnigramTokens{kSpaceA, kSpace, kLetterB}));
  EXPECT_EQ(tokens_of("  a\u3000\n\tb "), (UnigramTokens{kSpaceA, kSpace, kLetterB}));
  EXPECT_EQ(tokens_of("\u2581a"), UnigramTokens{kSpaceA});
  EXPECT_EQ(tokens_of("b\u2581\u2581a"), (UnigramTokens{kSpace, kLetterB, kSpace, kSpaceA}));
  EXPECT_EQ(tokens_of("\u00ada"), UnigramTokens{kSpaceA});
  EXPECT_EQ(tokens_of(""), UnigramTokens{});
  EXPECT_EQ(tokens_of(" \n\u2028 "), UnigramTokens{});
}

TEST(Unigram, TakesThePathThatWasFoundFirstOfEqualOnes) {
  // b|bb and bb|b are worth the same: the bb that begins earlier was found before the last b.
  EXPECT_EQ(tokens_of("bbb"), (UnigramTokens{kSpace, kLetterB, kBb}));
  EXPECT_EQ(tokens_of("bab"), (UnigramTokens{kSpace, kLetterB, kAb}));
}

TEST(Unigram, MakesOneTokenOfUnknownCharactersInARow) {
  EXPECT_EQ(tokens_of("zzz"), (UnigramTokens{kSpace, kUnknownPiece}));
  EXPECT_EQ(tokens_of("zaz z"), (UnigramTokens{kSpace, kUnknownPiece, kLetterA, kUnknownPiece, kSpace, kUnknownPiece}));
  EXPECT_EQ(tokens_of("xy"), (UnigramTokens{kSpace, 26}));
  EXPECT_EQ(tokens_of("\u00bd"), (UnigramTokens{kSpace, kUnknownPiece}));
}

TEST(Unigram, SpellsUnknownCharactersInBytesOnlyWhenTold) {
  auto pieces = kPieces;
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pieces.push_back({std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">", TokenKind::Byte, -20});
  }
  const Token first = static_cast<Token>(kPieces.size());
  EXPECT_EQ(unigram(pieces).tokenize("z", SpecialTokens::Parse), (UnigramTokens{kSpace, kUnknownPiece}));
  EXPECT_EQ(unigram(pieces, {.byte_fallback = true}).tokenize("\u00fcz", SpecialTokens::Parse),
            (UnigramTokens{kSpace, first + 0xc3, first + 0xbc, first + 'z'}));
}

TEST(Unigram, ReadsSpecialTokensAsTold) {
  EXPECT_EQ(tokens_of("a<mask>a"), (UnigramTokens{kSpaceA, kMaskPiece, kSpaceA}));
  EXPECT_EQ(tokens_of("a<extra>a"), (UnigramTokens{kSpaceA, kExtra, kSpaceA}));
  EXPECT_EQ(tokens_of("<s>", SpecialTokens::Text), (UnigramTokens{kSpace, kLess, kLetterS, kMore}));
  EXPECT_EQ(tokens_of("a<extra>a", SpecialTokens::Text), (UnigramTokens{kSpaceA, kExtra, kSpaceA}));
  // Full-width: found among the pieces, as the published vocabulary is one list.
  EXPECT_EQ(tokens_of("\uff1cs\uff1e"), (UnigramTokens{kSpace, 0}));
  EXPECT_EQ(tokens_of("\uff1cs\uff1e", SpecialTokens::Text), (UnigramTokens{kSpace, kLess, kLetterS, kMore}));
}

TEST(Unigram, RefusesAVocabularyThatNoTextCanBeReadWith) {
  const auto code = [](std::span<const VocabularyEntry> pieces, const UnigramOptions& options = {}) {
    return UnigramTokenizer::create(pieces, charsmap(), options).error().code;
  };
  EXPECT_EQ(code({}), ErrorCode::InvalidModel);
  EXPECT_EQ(code(kPieces, {.unknown = 100}), ErrorCode::InvalidModel);
  EXPECT_EQ(code(kPieces, {.unknown = -1}), ErrorCode::InvalidModel);
  for (const float score : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto pieces = kPieces;
    pieces.push_back({"c", TokenKind::Normal, score});
    EXPECT_EQ(code(pieces), ErrorCode::InvalidModel);
  }
  auto pieces = kPieces;
  pieces.push_back({std::string(5000, 'x'), TokenKind::Normal, -1});
  EXPECT_EQ(code(pieces), ErrorCode::InvalidModel);
  EXPECT_EQ(UnigramTokenizer::create(kPieces, {}, {}).error().code, ErrorCode::InvalidModel);
}

TEST(Unigram, IgnoresPiecesThatAreNotUtf8) {
  auto pieces = kPieces;
  pieces.push_back({"\xff", TokenKind::Normal, -1});
  pieces.push_back({"\xe3\x82", TokenKind::Normal, -1});
  pieces.push_back({"\xc3(", TokenKind::UserDefined});
  EXPECT_EQ(unigram(pieces).tokenize("\u3042", SpecialTokens::Parse), (UnigramTokens{kSpace, kUnknownPiece}));
  EXPECT_EQ(tokens_of("\xff\xc3 a\xf0"), UnigramTokens{kSpaceA});
}

TEST(Unigram, ReadsAMillionMarks) {
  std::string text = "a";
  for (int i = 0; i < 1'000'000; ++i) text += "\u0301";
  EXPECT_EQ(tokens_of(text), (UnigramTokens{kSpaceA, kUnknownPiece}));
}

TEST(Unigram, StopsWhenThereAreEnough) {
  const auto tokenizer = unigram();
  std::string words, letters;
  for (int i = 0; i < 1'000'000; ++i) words += "a ";
  for (int i = 0; i < 1'000'000; ++i) letters += "abba";
  EXPECT_EQ(tokenizer.tokenize(words, SpecialTokens::Parse, 10).size(), 10u);
  const auto some = tokenizer.tokenize(letters, SpecialTokens::Parse, 10);
  EXPECT_GE(some.size(), 10u);
  EXPECT_LT(some.size(), 100'000u);
}

// What is settled early must not change the path: a word of any length is what a search over all of it finds.
TEST(Unigram, FindsTheBestPathOfAWordOfAnyLength) {
  std::mt19937 random(9);
  const std::string letters = "abcd";
  std::vector<VocabularyEntry> pieces{{"<unk>", TokenKind::Unknown}, {"\u2581", TokenKind::Normal, -2}};
  for (int i = 0; i < 60; ++i) {
    std::string piece;
    for (std::size_t j = 0, end = 1 + random() % 6; j < end; ++j) piece += letters[random() % 4];
    pieces.push_back({piece, TokenKind::Normal, -2 - static_cast<float>(random() % 3)});
  }
  const auto tokenizer = unigram(pieces, {.unknown = 0});
  std::unordered_map<std::string_view, std::size_t> last_of;
  for (std::size_t i = 1; i < pieces.size(); ++i) last_of[pieces[i].text] = i;
  for (const std::size_t length : {10u, 5'000u, 9'000u, 30'000u, 200'000u}) {
    std::string text;
    while (text.size() < length) text += letters[random() % 4];
    // Forward over all places; the first of equal sums stays.
    const std::string word = "\u2581" + text;
    std::vector<double> best(word.size() + 1, -std::numeric_limits<double>::infinity());
    std::vector<std::pair<std::size_t, Token>> from(word.size() + 1);
    best[0] = 0;
    for (std::size_t at = 0; at < word.size(); at += at == 0 ? 3 : 1) {
      bool single = false;
      for (std::size_t size = 1; size <= 6 && at + size <= word.size(); ++size) {
        const auto found = last_of.find(std::string_view(word).substr(at, size));
        if (found == last_of.end()) continue;
        single = single || size == (at == 0 ? 3u : 1u);
        const double sum = best[at] + static_cast<double>(pieces[found->second].score);
        if (sum > best[at + size]) best[at + size] = sum, from[at + size] = {at, static_cast<Token>(found->second)};
      }
      if (!single && best[at] - 14 > best[at + 1]) best[at + 1] = best[at] - 14, from[at + 1] = {at, 0};
    }
    UnigramTokens expected;
    for (std::size_t at = word.size(); at > 0; at = from[at].first) {
      if (from[at].second != 0 || expected.empty() || expected.back() != 0) expected.push_back(from[at].second);
    }
    std::ranges::reverse(expected);
    ASSERT_EQ(tokenizer.tokenize(text, SpecialTokens::Parse), expected) << length;
  }
}

}  // namespace
}  // namespace llama
