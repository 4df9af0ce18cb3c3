#include "parquet_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace llama {
namespace {

namespace fs = std::filesystem;

class ParquetWriterTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("parquet-" + std::to_string(::getpid()));
  fs::path path_ = folder_ / "out.parquet";
  EmbeddingResult row_{
      .text = "a", .text_hash = md5_hex("a"), .embedding = {1, 2}, .sequence_length = 3, .processing_time_ms = 4};
};

TEST_F(ParquetWriterTest, WritesUnderItsNameOnlyWhenClosed) {
  auto writer = ParquetWriter::open(path_, 2, {}, ExistingFile::Refuse);
  ASSERT_TRUE(writer) << writer.error().message;
  ASSERT_TRUE(writer->write_batch(std::span(&row_, 1)));
  EXPECT_FALSE(fs::exists(path_));
  const auto summary = writer->close();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->rows, 1u);
  EXPECT_EQ(summary->size_bytes, fs::file_size(path_));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(ParquetWriterTest, LeavesNothingWhenDropped) {
  {
    auto writer = ParquetWriter::open(path_, 2, {}, ExistingFile::Refuse);
    ASSERT_TRUE(writer->write_batch(std::span(&row_, 1)));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ParquetWriterTest, RefusesAnotherDimension) {
  auto writer = ParquetWriter::open(path_, 3, {}, ExistingFile::Refuse);
  EXPECT_EQ(writer->write_batch(std::span(&row_, 1)).error().code, ErrorCode::InvalidArgument);
}

TEST_F(ParquetWriterTest, RefusesAnExistingFileAlsoOneThatAppears) {
  auto writer = ParquetWriter::open(path_, 2, {}, ExistingFile::Refuse);
  std::ofstream(path_) << "mine";
  EXPECT_FALSE(writer->close());
  EXPECT_FALSE(ParquetWriter::open(path_, 2, {}, ExistingFile::Refuse));
  EXPECT_EQ(fs::file_size(path_), 4u);
  auto forced = ParquetWriter::open(path_, 2, {}, ExistingFile::Replace);
  ASSERT_TRUE(forced->close());
  EXPECT_GT(fs::file_size(path_), 4u);
}

TEST_F(ParquetWriterTest, NamesWhatIsWrongWithTheOutput) {
  EXPECT_FALSE(ParquetWriter::check_output(folder_, ExistingFile::Refuse));
  EXPECT_FALSE(ParquetWriter::check_output(folder_ / "missing" / "out.parquet", ExistingFile::Refuse));
  EXPECT_TRUE(ParquetWriter::check_output(path_, ExistingFile::Refuse));
}

}  // namespace
}  // namespace llama
