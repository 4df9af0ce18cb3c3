#include "llama-embedding/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "llama-embedding/embedding_result.h"

namespace llama {
namespace {

struct Read {
  std::vector<std::string> texts;
  std::vector<std::uint64_t> numbers, invalid;
  std::uint64_t blank = 0;
};

Read read(const std::string& content) {
  const auto path = std::filesystem::temp_directory_path() / ("lines-" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << content;
  auto reader = LineReader::open(path);
  Read result;
  for (;;) {
    auto line = reader->next();
    EXPECT_TRUE(line);
    if (!*line) break;
    result.texts.push_back((*line)->text);
    result.numbers.push_back((*line)->number);
    if (!(*line)->valid_utf8) result.invalid.push_back((*line)->number);
  }
  result.blank = reader->blank_lines();
  EXPECT_EQ(count_texts(path).value()->texts, result.texts.size());
  std::filesystem::remove(path);
  return result;
}

using Texts = std::vector<std::string>;

TEST(LineReader, ReadsEveryKindOfLineEnd) {
  EXPECT_EQ(read("a\nb\r\nc").texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(read("a\nb\r\nc\n").texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(read("").texts, Texts{});
}

TEST(LineReader, KeepsBytesAndDropsTheByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbf  a \t\nb\rc\n").texts, (Texts{"  a \t", "b\rc"}));
  EXPECT_EQ(read(std::string("a\0b\n", 4)).texts, (Texts{std::string("a\0b", 3)}));
}

TEST(LineReader, CountsBlankLines) {
  const auto result = read("\n  \t\r\na\n\xe3\x80\x80\xc2\xa0\n");
  EXPECT_EQ(result.texts, Texts{"a"});
  EXPECT_EQ(result.numbers, std::vector<std::uint64_t>{3});
  EXPECT_EQ(result.blank, 3u);
}

TEST(LineReader, MarksInvalidUtf8) { EXPECT_EQ(read("ok\nbad \xff\nok\n").invalid, std::vector<std::uint64_t>{2}); }

TEST(LineReader, ReadsLinesLongerThanItsBuffer) {
  const std::string longer(1 << 20, 'x');
  EXPECT_EQ(read(longer + "\n" + longer).texts, (Texts{longer, longer}));
}

TEST(LineReader, NamesWhatItCannotOpen) {
  EXPECT_EQ(LineReader::open("/no/such/file").error().code, ErrorCode::NotFound);
  EXPECT_EQ(LineReader::open("/tmp").error().code, ErrorCode::Io);
}

TEST(Md5, HasTheKnownValue) { EXPECT_EQ(md5_hex("test text"), "1e2db57dd6527ad4f8f281ab028d2c70"); }

TEST(Normalize, MakesLengthOne) {
  std::vector<float> vector{3, 4}, zero{0, 0};
  normalize(vector);
  normalize(zero);
  EXPECT_FLOAT_EQ(vector[0], 0.6f);
  EXPECT_FLOAT_EQ(vector[1], 0.8f);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace llama
