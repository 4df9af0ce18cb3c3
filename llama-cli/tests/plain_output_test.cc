// The plain call's file, as llama-table writes it: byte for byte that of ParquetWriter, whose place it takes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "llama-table/table_writer.h"
#include "parquet_writer.h"

namespace llama {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t kDimension = 24;
const TableMetadata kProvenance = {{"llama.model", "tiny"}, {"llama.pooling", "mean"}};
const TableMetadata kLate = {{"llama.device", "CPU"}};

class PlainOutputTest : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  static std::vector<EmbeddingResult> some_results(std::size_t count) {
    std::mt19937 random(7);
    std::vector<EmbeddingResult> results(count);
    for (EmbeddingResult& result : results) {
      result.text = std::string(random() % 200, static_cast<char>('a' + random() % 26));
      result.text_hash = md5_hex(result.text);
      for (int i = 0; i < kDimension; ++i) result.embedding.push_back(static_cast<float>(random()) / 4e9f);
      result.sequence_length = random() % 512;
      result.processing_time_ms = random();
    }
    return results;
  }

  static std::vector<ColumnValues> as_columns(std::span<const EmbeddingResult> results) {
    std::vector<ColumnValues> columns(5);
    for (const EmbeddingResult& result : results) {
      columns[0].texts.push_back(result.text);
      columns[1].texts.push_back(result.text_hash);
      const auto bytes = std::as_bytes(std::span(result.embedding));
      columns[2].vectors.insert(columns[2].vectors.end(), bytes.begin(), bytes.end());
      columns[3].integers.push_back(result.sequence_length);
      columns[4].integers.push_back(static_cast<std::int64_t>(result.processing_time_ms));
    }
    return columns;
  }

  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator(file), {}};
  }

  fs::path folder_ = fs::temp_directory_path() / std::format("plain-{}", ::getpid());
};

const std::vector<ColumnSpec> kPlainColumns = {
    {.name = "text", .type = ColumnType::Text},
    {.name = "text_hash", .type = ColumnType::Text},
    {.name = "embedding", .type = ColumnType::Vector, .dimension = kDimension},
    {.name = "sequence_length", .type = ColumnType::UnsignedInteger32},
    {.name = "processing_time_ms", .type = ColumnType::UnsignedInteger64}};

// Of no rows, of less than one group, of several.
INSTANTIATE_TEST_SUITE_P(Rows, PlainOutputTest, testing::Values(0, 1, 999, 2'345, 21'001));

TEST_P(PlainOutputTest, IsTheSameFile) {
  const auto results = some_results(GetParam());
  auto old = ParquetWriter::open(folder_ / "old.parquet", kDimension, kProvenance, ExistingFile::Refuse);
  ASSERT_TRUE(old && old->write_batch(results) && old->close(kLate));

  auto writer = open_table_writer({.path = folder_ / "new.parquet", .metadata = kProvenance}, nullptr, kPlainColumns);
  ASSERT_TRUE(writer) << writer.error().message;
  // In pieces of any size.
  for (std::size_t begin = 0, size = 1; begin < results.size(); begin += size, size = size * 3 % 700 + 1) {
    size = std::min(size, results.size() - begin);
    const auto written = (*writer)->write({}, as_columns(std::span(results).subspan(begin, size)));
    ASSERT_TRUE(written) << written.error().message;
  }
  const auto summary = (*writer)->close(kLate);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->rows, results.size());
  EXPECT_EQ(summary->size_bytes, fs::file_size(folder_ / "new.parquet"));
  EXPECT_TRUE(content(folder_ / "new.parquet") == content(folder_ / "old.parquet"));
}

}  // namespace
}  // namespace llama
