#include "llama-corpus/chunker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "token_counters.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> parts_of(std::string_view text, ChunkLimits limits, PlainCount count) {
  CountedWork work;
  const auto chunks = chunk_text(text, limits, counter(count, work));
  if (!chunks) return {chunks.error().message};
  std::vector<std::string> parts;
  for (const Chunk& chunk : *chunks) parts.emplace_back(text.substr(chunk.begin, chunk.end - chunk.begin));
  return parts;
}

TEST(Chunker, LeavesATextThatFitsWhole) {
  EXPECT_THAT(parts_of("", {.max_tokens = 1}, count_bytes), ElementsAre(""));
  EXPECT_THAT(parts_of("abc", {.max_tokens = 3}, count_bytes), ElementsAre("abc"));
  EXPECT_THAT(parts_of("abc", {.max_tokens = 3, .overlap_tokens = 2}, count_bytes), ElementsAre("abc"));
  const std::string spaces(1'000'000, ' ');
  EXPECT_THAT(parts_of(spaces + "word", {.max_tokens = 3}, count_words), ElementsAre(spaces + "word"));
  EXPECT_THAT(parts_of("word" + spaces, {.max_tokens = 3}, count_words), ElementsAre("word" + spaces));
}

TEST(Chunker, EndsAtASentenceWhereOneEndsInAChunksLastHalf) {
  EXPECT_THAT(parts_of("One sentence here. Another is there. A third one.", {.max_tokens = 29}, count_bytes),
              ElementsAre("One sentence here. ", "Another is there. ", "A third one."));
  EXPECT_THAT(
      parts_of("It costs 3.50 in the U.S. army shop today.", {.max_tokens = 27}, count_bytes),
      ElementsAre("It costs 3.50 in the U.S. ", "army shop today."));  // no end after 3., as good as none after S.
  EXPECT_THAT(parts_of("これは文です。次の文です。", {.max_tokens = 30}, count_bytes),
              ElementsAre("これは文です。", "次の文です。"));
  EXPECT_THAT(parts_of("first line\nsecond line\nthird", {.max_tokens = 15}, count_bytes),
              ElementsAre("first line\n", "second line\n", "third"));
}

TEST(Chunker, EndsBetweenWordsWhereNoSentenceEnds) {
  EXPECT_THAT(parts_of("several words without any end", {.max_tokens = 14}, count_bytes),
              ElementsAre("several words ", "without any ", "end"));
  EXPECT_THAT(parts_of("Short. Then many words follow it", {.max_tokens = 20}, count_bytes),
              ElementsAre("Short. Then many ", "words follow it"));  // "Short. " is not half of a chunk
}

TEST(Chunker, EndsBetweenCharactersWhereNoWordEnds) {
  EXPECT_THAT(parts_of("abcdefghij", {.max_tokens = 4}, count_bytes), ElementsAre("abcd", "efgh", "ij"));
  // An e with two accents is five bytes, a flag eight, a family with joiners eighteen.
  const std::string accents = "e\u0301\u0302", flag = "🇩🇪", family = "👨‍👩‍👧";
  EXPECT_THAT(parts_of(accents + accents + accents, {.max_tokens = 11}, count_bytes),
              ElementsAre(accents + accents, accents));
  EXPECT_THAT(parts_of(flag + flag + flag, {.max_tokens = 15}, count_bytes), ElementsAre(flag, flag, flag));
  EXPECT_THAT(parts_of(family + family, {.max_tokens = 20}, count_bytes), ElementsAre(family, family));
}

TEST(Chunker, CutsACharacterThatIsTooLongBetweenItsCodePoints) {
  EXPECT_THAT(parts_of("🇩🇪🇫🇷", {.max_tokens = 7}, count_bytes), ElementsAre("🇩", "🇪", "🇫", "🇷"));
  std::string marks = "e";
  for (int i = 0; i < 6; ++i) marks += "\u0301";
  EXPECT_THAT(parts_of(marks + "fg", {.max_tokens = 5}, count_bytes),
              ElementsAre("e\u0301\u0301", "\u0301\u0301", "\u0301\u0301f", "g"));
}

TEST(Chunker, CountsCodePoints) {
  CountedWork work;
  const std::string text = "äöü 🇩🇪 xyz";
  const auto chunks = chunk_text(text, {.max_tokens = 4}, counter(count_characters, work));
  ASSERT_TRUE(chunks);
  ASSERT_EQ(chunks->size(), 3U);
  EXPECT_EQ((*chunks)[1].start_character, 4U);
  EXPECT_EQ((*chunks)[1].end_character, 7U);
  EXPECT_EQ((*chunks)[1].begin, 7U);
  EXPECT_EQ((*chunks)[1].end, 16U);
  EXPECT_EQ((*chunks)[2].end_character, 10U);
}

TEST(Chunker, BeginsSoManyTokensBeforeTheLastOnesEnd) {
  EXPECT_THAT(parts_of("abcdefghij", {.max_tokens = 4, .overlap_tokens = 2}, count_bytes),
              ElementsAre("abcd", "cdef", "efgh", "ghij"));
  EXPECT_THAT(parts_of("one two three four five six", {.max_tokens = 14, .overlap_tokens = 6}, count_bytes),
              ElementsAre("one two three ", "three four ", "four five six"));
}

TEST(Chunker, GoesOnWhereTheOverlapLeavesNoRoomForMore) {
  // Ten tokens of prompt: with an overlap of 5 the flag does not fit.
  const PlainCount count = [](std::string_view part) { return 10 + count_bytes(part); };
  EXPECT_THAT(parts_of("abcdefgh🇩🇪", {.max_tokens = 18, .overlap_tokens = 5}, count), ElementsAre("abcdefgh", "🇩🇪"));
}

TEST(Chunker, RefusesLimitsThatMakeNoSense) {
  struct {
    ChunkLimits limits;
    const char* message;
  } const rows[] = {
      {{.max_tokens = 0}, "chunks of 0 tokens: 1 or more are needed"},
      {{.max_tokens = -5}, "chunks of -5 tokens"},
      {{.max_tokens = 8, .overlap_tokens = 8}, "an overlap of 8 tokens: it has to be below the chunk's 8"},
      {{.max_tokens = 8, .overlap_tokens = 9}, "an overlap of 9 tokens"},
      {{.max_tokens = 8, .overlap_tokens = -1}, "an overlap of -1 tokens"},
  };
  for (const auto& row : rows) {
    CountedWork work;
    const auto chunks = chunk_text("some text that is longer", row.limits, counter(count_bytes, work));
    ASSERT_FALSE(chunks) << row.message;
    EXPECT_EQ(chunks.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(chunks.error().message, HasSubstr(row.message));
  }
}

TEST(Chunker, SaysWhenThereIsNoRoomForOneCharacter) {
  EXPECT_THAT(parts_of("ab€", {.max_tokens = 2}, count_bytes),
              ElementsAre("chunks of 2 tokens have no room for the character '€': with the prompt and the special "
                          "tokens it has 3"));
  const PlainCount count = [](std::string_view part) { return 600 + count_bytes(part); };
  EXPECT_THAT(parts_of("any text", {.max_tokens = 512}, count),
              ElementsAre(HasSubstr("no room for the character 'a'")));
}

TEST(Chunker, HandsOutTheCountersError) {
  for (std::size_t fails_at = 0; fails_at < 12; ++fails_at) {
    std::size_t calls = 0;
    const auto chunks = chunk_text("one two three four five six seven", {.max_tokens = 14, .overlap_tokens = 5},
                                   [&](std::string_view part) -> Result<std::int32_t> {
                                     if (part.empty()) return fail(ErrorCode::InvalidText, "no tokens");
                                     if (calls++ == fails_at) return fail(ErrorCode::Cancelled, "stopped");
                                     return count_bytes(part);
                                   });
    ASSERT_FALSE(chunks) << fails_at;
    EXPECT_EQ(chunks.error().code, ErrorCode::Cancelled);
  }
}

}  // namespace
}  // namespace llama
