#include "llama-base/text_kind.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace llama::internal {
namespace {

using namespace std::string_literals;

std::string wide(std::string_view text, std::size_t width, bool big_endian, bool marked) {
  std::string result;
  const auto put = [&](unsigned character) {
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t shift = 8 * (big_endian ? width - 1 - i : i);
      result += static_cast<char>(shift < 32 ? character >> shift & 0xff : 0);
    }
  };
  if (marked) put(0xfeff);
  for (const char c : text) put(static_cast<unsigned char>(c));
  return result;
}

std::string random_bytes(std::size_t count) {
  std::mt19937 random(5);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(random() & 0xff);
  return bytes;
}

TEST(TextKind, SaysWhatItIsAndWhatToDo) {
  struct Row {
    const char* name;
    std::string start;
    const char* told;
  };
  const std::string text = "some words and a newline\nand more of them\n", noise = random_bytes(5000);
  const std::vector<Row> rows{
      {"UTF-16LE with a mark", wide(text, 2, false, true), "iconv -f UTF-16 -t UTF-8"},
      {"UTF-16BE with a mark", wide(text, 2, true, true), "iconv -f UTF-16 -t UTF-8"},
      {"UTF-32LE with a mark", wide(text, 4, false, true), "iconv -f UTF-32 -t UTF-8"},
      {"UTF-32BE with a mark", wide(text, 4, true, true), "iconv -f UTF-32 -t UTF-8"},
      {"UTF-16LE", wide(text, 2, false, false), "iconv -f UTF-16LE -t UTF-8"},
      {"UTF-16BE", wide(text, 2, true, false), "iconv -f UTF-16BE -t UTF-8"},
      {"UTF-32LE", wide(text, 4, false, false), "iconv -f UTF-32LE -t UTF-8"},
      {"UTF-32BE", wide(text, 4, true, false), "iconv -f UTF-32BE -t UTF-8"},
      {"UTF-16LE of two letters and a sign", "h\0i\0!\0"s, "iconv -f UTF-16LE -t UTF-8"},
      {"UTF-16LE of a letter and a line end", "y\0\n\0"s, "iconv -f UTF-16LE -t UTF-8"},
      {"UTF-16BE of three letters", "\0y\0e\0s"s, "iconv -f UTF-16BE -t UTF-8"},
      {"UTF-32LE of one letter", "y\0\0\0"s, "iconv -f UTF-32LE -t UTF-8"},
      {"the mark alone", "\xff\xfe", "UTF-16"},
      {"PNG", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s, "a PNG image"},
      {"gzip", "\x1f\x8b\x08\0\0\0\0\0\0\x03"s, "gzip -dc"},
      {"zip", "PK\x03\x04\x14\0\0\0\x08\0 a.txt"s + noise, "a zip archive"},
      {"xlsx", "PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml xl/workbook.xml"s + noise, "an Excel workbook"},
      {"Parquet", "PAR1\x15\x04\x15\0\x12"s + noise, "a Parquet file"},
      {"SQLite", "SQLite format 3\0\x10\0\x01\x01"s, "an SQLite database"},
      {"PDF", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Length 6>>\n", "pdftotext"},
      {"noise", noise, "binary"},
      {"NUL bytes", std::string(4096, '\0'), "most of its bytes are NUL bytes; take them out first (tr -d '\\000')"},
      {"a text that goes on with NUL bytes", text + std::string(4096, '\0'), "most of its bytes are NUL bytes"},
  };
  for (const Row& row : rows) {
    const auto why = why_no_text(row.start);
    ASSERT_TRUE(why) << row.name;
    EXPECT_NE(why->find(row.told), std::string::npos) << row.name << ": " << *why;
  }
}

// One letter each, as of find -print0.
std::string names_ended_by_nul(std::size_t count, std::string_view letters) {
  std::string names;
  for (std::size_t i = 0; i < count; ++i) names += {letters[i % letters.size()], '\0'};
  return names;
}

TEST(TextKind, LeavesTextsAlone) {
  std::string latin, long_text;
  for (int i = 0; i < 200; ++i) latin += "caf\xe9 na\xefve gar\xe7on\n";
  while (long_text.size() < kTextKindBytes + 10) long_text += "短い日本語のテスト文です。\n";
  const std::vector<std::string> texts{"",
                                       "a",
                                       "PAR1 is the name of a band\n",
                                       "BZh and ORC and GGUF\n",
                                       "GIF8 images\n",
                                       "%PDF-1.7 is a version\n",
                                       "PK\x03\x04 in a text\n",
                                       "\xef\xbb\xbfwith a mark\n",
                                       "a\0b\n"s,
                                       "a\0b\0cd"s,
                                       "a\0bc\0d\0"s,
                                       "one\0two\nbad \xff\xfe\nthree\n"s,
                                       "a field\0another field\0the last one\nand more of these\0in the next line\n"s,
                                       names_ended_by_nul(1, "a"),
                                       names_ended_by_nul(2, "ab"),
                                       names_ended_by_nul(8, "abcdefgh"),
                                       names_ended_by_nul(62, "0123456789ABCXYZabcxyz"),
                                       names_ended_by_nul(5000, "ny") + "\n",
                                       latin,
                                       long_text,
                                       long_text.substr(0, kTextKindBytes),
                                       long_text.substr(0, kTextKindBytes - 1)};
  for (const std::string& text : texts)
    EXPECT_FALSE(why_no_text(text)) << text.substr(0, 60) << why_no_text(text).value();
}

TEST(TextKind, FieldsMayBeFilledWithNulBytes) {
  std::string rows = "text,number\n";
  while (rows.size() < 1000) rows += "abd\0\0\0\0\0\0\0\0\0\0\0\0,2\n"s;
  EXPECT_FALSE(why_no_table(rows)) << why_no_table(rows).value();
  EXPECT_TRUE(why_no_text(rows));
  const std::string text = "some words and a newline\nand more of them\n";
  for (const std::string& other : {wide(text, 2, false, true), wide(text, 2, true, false), wide(text, 4, false, false),
                                   "SQLite format 3\0\x10\0\x01\x01"s, random_bytes(5000)})
    EXPECT_EQ(why_no_table(other), why_no_text(other));
}

TEST(TextKind, OfAWholeFileEveryByteCounts) {
  EXPECT_FALSE(
      why_not_utf8("\xef\xbb\xbf"
                   "caf\xc3\xa9"));
  EXPECT_FALSE(why_not_utf8("a\0b\n"s));
  EXPECT_EQ(why_not_utf8("caf\xe9"), "it is not UTF-8; convert it first (iconv -t UTF-8)");
  EXPECT_EQ(why_not_utf8("\xff\xfe"), why_no_text("\xff\xfe"));
}

}  // namespace
}  // namespace llama::internal
