#include <gtest/gtest.h>

#include <random>

#include "chunk_properties.h"
#include "grapheme_map.h"
#include "token_counters.h"

namespace llama {
namespace {

constexpr std::string_view kPieces[] = {
    "a",
    "word ",
    "Sentence. ",
    "\r\n",
    "\n",
    " ",
    "    ",
    "é",
    "e\u0301",
    "\u0301",
    "\u200d",
    "👨‍👩‍👧",
    "🇩🇪",
    "🇩",
    "한국",
    "\u1112\u1161\u11ab",
    "क्षि",
    "สวัสดีครับ",
    "漢字",
    "。",
    "\u0600",
    "👍🏽",
    "U.S.",
    "3.14",
    "https://example.org/a/long/path?q=1",
};

std::string random_text(std::mt19937& random, std::size_t pieces) {
  std::string text;
  const bool has_runs = random() % 3 == 0;
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto piece = kPieces[random() % std::size(kPieces)];
    const std::size_t times = has_runs && random() % 4 == 0 ? random() % 60 : 1;
    for (std::size_t n = 0; n < times; ++n) text += piece;
  }
  return text;
}

TEST(ChunkerProperty, ChunksCoverTheTextAndFitAndCutNoCharacter) {
  std::mt19937 random(24);
  for (int round = 0; round < 800; ++round) {
    const std::string text = random_text(random, random() % 120);
    const NamedCount& count = kCounts[random() % std::size(kCounts)];
    ChunkLimits limits;
    limits.max_tokens = static_cast<std::int32_t>(10 + random() % (random() % 4 == 0 ? 300 : 40));
    if (random() % 2 == 0) limits.overlap_tokens = static_cast<std::int32_t>(random() % limits.max_tokens);
    CountedWork work;
    const auto chunks = chunk_text(text, limits, counter(count.count, work));
    ASSERT_TRUE(chunks) << chunks.error().message;
    const bool has_order = count.count == count_bytes || count.count == count_characters || count.count == count_ascii;
    ASSERT_EQ(wrong_with(text, *chunks, limits, count.count, has_order), "")
        << "round " << round << ", " << count.name << ", " << limits.max_tokens << " tokens, overlap "
        << limits.overlap_tokens << ": " << testing::PrintToString(text);
    if (limits.overlap_tokens > 0) continue;
    std::string rebuilt;
    for (const Chunk& chunk : *chunks) rebuilt += text.substr(chunk.begin, chunk.end - chunk.begin);
    ASSERT_EQ(rebuilt, text);
  }
}

// How much is given to the tokenizer, for each byte of the text.
double passes(const std::string& text, ChunkLimits limits, PlainCount count, std::size_t& longest) {
  CountedWork work;
  const auto chunks = chunk_text(text, limits, counter(count, work));
  EXPECT_TRUE(chunks);
  longest = work.longest;
  return static_cast<double>(work.bytes) / static_cast<double>(text.size());
}

TEST(ChunkerProperty, GivesTheTokenizerAFewTimesTheTextHoweverLongItIs) {
  std::mt19937 random(7);
  std::string prose;
  while (prose.size() < 500'000) {
    for (std::size_t words = 3 + random() % 20; words > 0; --words)
      prose.append(2 + random() % 9, static_cast<char>('a' + random() % 26)) += words > 1 ? " " : ". ";
  }
  std::size_t longest = 0;
  EXPECT_LT(passes(prose, {.max_tokens = 512}, count_words, longest), 3);
  EXPECT_LT(longest, 10'000U);
  EXPECT_LT(passes(prose, {.max_tokens = 512}, count_bytes, longest), 3);
  EXPECT_LT(passes(prose, {.max_tokens = 512, .overlap_tokens = 64}, count_words, longest), 4);
  EXPECT_LT(passes(prose, {.max_tokens = 32}, count_words, longest), 3);
}

TEST(ChunkerProperty, GivesTheTokenizerAFewTimesAnOddText) {
  std::string flags, marks = "e", spaces, mixed;
  for (int i = 0; i < 25'000; ++i) flags += "🇩🇪";
  for (int i = 0; i < 100'000; ++i) marks += "\u0301";
  for (int i = 0; i < 300; ++i) spaces += std::string(i % 1000, ' ') + "some words in between";
  for (int i = 0; i < 12; ++i) mixed += std::string(10'000, 'x') + " " + std::string(10'000, '\n') + "日本語";
  for (const auto& [name, text] :
       {std::pair{"flags", &flags}, {"marks", &marks}, {"spaces", &spaces}, {"mixed", &mixed}})
    for (const NamedCount& count : kCounts) {
      std::size_t longest = 0;
      EXPECT_LT(passes(*text, {.max_tokens = 128}, count.count, longest), 8) << name << ", " << count.name;
      EXPECT_LT(passes(*text, {.max_tokens = 128, .overlap_tokens = 16}, count.count, longest), 10)
          << name << ", " << count.name;
    }
}

TEST(GraphemeMap, HasTheBoundariesThatIcuFindsInTheWholeText) {
  std::mt19937 random(11);
  for (int round = 0; round < 600; ++round) {
    const std::string text = random_text(random, random() % 40);
    const auto map = internal::GraphemeMap::make(text);
    ASSERT_TRUE(map);
    const auto expected = cluster_boundaries(text);
    std::set<std::size_t> found;
    for (std::size_t at = 0; at <= text.size(); ++at)
      if (map->is_boundary(at)) found.insert(at);
    ASSERT_EQ(found, expected) << testing::PrintToString(text);
    const std::size_t at = random() % (text.size() + 1), from = random() % (at + 1);
    const std::size_t before = *std::prev(expected.upper_bound(at));
    EXPECT_EQ(map->last_before(at, from), std::max(before, from));
    const std::size_t until = at + random() % (text.size() + 1 - at);
    EXPECT_EQ(map->first_after(at, until), std::min(*expected.lower_bound(at), until));
  }
}

}  // namespace
}  // namespace llama
