// Folders of parts: where one ends, what they are called, what is left of them when something fails.
#include <algorithm>
#include <fstream>
#include <random>

#include "output_folder.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

class PartsTest : public OutputFolderTest {
 protected:
  [[nodiscard]] Result<TableSummary> write(const TableOutput& output, const std::vector<ColumnSpec>& columns,
                                           const std::vector<ColumnValues>& values) {
    auto writer = open_table_writer(output, nullptr, columns);
    if (!writer) return std::unexpected(writer.error());
    if (auto written = (*writer)->write({}, values); !written) return std::unexpected(written.error());
    return (*writer)->close({{"late", "yes"}});
  }

  // The numbers of all parts, in order; each file is whole in itself.
  [[nodiscard]] static std::vector<std::int64_t> read_all(const TableSummary& summary) {
    std::vector<std::int64_t> found;
    for (const WrittenPart& part : summary.parts) {
      const auto table = read_any(part.path);
      EXPECT_EQ(static_cast<std::uint64_t>(table->num_rows()), part.rows);
      EXPECT_EQ(fs::file_size(part.path), part.size_bytes);
      const auto column = table->GetColumnByName("number");
      for (const auto& chunk : column->chunks())
        for (std::int64_t i = 0; i < chunk->length(); ++i)
          found.push_back(static_cast<const arrow::Int64Array&>(*chunk).Value(i));
    }
    return found;
  }

  static std::vector<std::int64_t> counted(std::int64_t rows) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(rows));
    std::ranges::iota(all, 0);
    return all;
  }

  fs::path out_ = folder_ / "out";
};

TEST_F(PartsTest, HoldSoManyRows) {
  for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
    for (const std::int64_t rows : {0, 1, 6, 7, 8, 14, 40}) {
      const TableOutput output{
          .path = out_, .format = format, .split_rows = 7, .existing = ExistingFile::Replace, .metadata = {{"a", "b"}}};
      const auto summary = write(output, kNumbered, numbers(0, rows));
      ASSERT_TRUE(summary) << summary.error().message;
      EXPECT_EQ(read_all(*summary), counted(rows));
      EXPECT_EQ(summary->rows, static_cast<std::uint64_t>(rows));
      EXPECT_EQ(summary->parts.size(), std::max<std::size_t>(1, static_cast<std::size_t>(rows + 6) / 7));
      for (std::size_t i = 0; i + 1 < summary->parts.size(); ++i) EXPECT_EQ(summary->parts[i].rows, 7u);
      const auto first = read_any(summary->parts.front().path);
      EXPECT_EQ(first->schema()->metadata()->Get("a").ValueOr(""), "b");
      EXPECT_EQ(first->schema()->field_names(), std::vector<std::string>{"number"});
    }
  }
}

TEST_F(PartsTest, AreNamedByTheirPrefixAndNumber) {
  ASSERT_TRUE(write({.path = out_, .split_rows = 2}, kNumbered, numbers(0, 3)));
  ASSERT_TRUE(write({.path = out_, .split_rows = 2, .part_prefix = "part-00003-of-00008"}, kNumbered, numbers(0, 1)));
  ASSERT_TRUE(write({.path = out_, .format = OutputFormat::ArrowFile, .split_rows = 2}, kNumbered, numbers(0, 1)));
  EXPECT_EQ(names(), (std::set<std::string>{"out", "out/part-00000.parquet", "out/part-00001.parquet",
                                            "out/part-00003-of-00008-00000.parquet", "out/part-00000.arrow"}));
}

TEST_F(PartsTest, OfAnEarlierRunAreRefusedOrReplaced) {
  ASSERT_TRUE(write({.path = out_, .split_rows = 1}, kNumbered, numbers(0, 5)));
  ASSERT_TRUE(write({.path = out_, .split_rows = 1, .part_prefix = "part-1"}, kNumbered, numbers(0, 1)));
  std::ofstream(out_ / "part-1.parquet") << "not a part of ours";
  const auto refused = write({.path = out_, .split_rows = 2}, kNumbered, numbers(0, 3));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("it holds parts already ('part-00000.parquet')"));
  ASSERT_TRUE(write({.path = out_, .split_rows = 2, .existing = ExistingFile::Replace}, kNumbered, numbers(0, 3)));
  EXPECT_EQ(names(), (std::set<std::string>{"out", "out/part-00000.parquet", "out/part-00001.parquet",
                                            "out/part-1-00000.parquet", "out/part-1.parquet"}));
}

// What was whole when the run ended stays; the part that was not leaves nothing.
TEST_F(PartsTest, StayWhereTheRunEndsOnTheWay) {
  {
    auto writer = open_table_writer({.path = out_, .split_rows = 2}, nullptr, kNumbered);
    ASSERT_TRUE((*writer)->write({}, numbers(0, 5)));
  }
  EXPECT_EQ(names(), (std::set<std::string>{"out", "out/part-00000.parquet", "out/part-00001.parquet"}));
}

TEST_F(PartsTest, OfKilledRunsAreSweptUp) {
  ASSERT_TRUE(write({.path = out_, .split_rows = 2}, kNumbered, numbers(0, 1)));
  for (const char* name :
       {".part-00003.parquet.812-0.partial", ".part-00003.parquet.812-0", "part-00003.parquet.812-0.partial",
        ".part-00000.arrow.812-0.partial", ".mine.parquet.812-0.partial", ".part-00003.parquet.8x2-0.partial"})
    std::ofstream(out_ / name) << "unfinished";
  const auto before = names();
  remove_unfinished({.path = out_, .split_rows = 2});
  auto after = before;
  after.erase("out/.part-00003.parquet.812-0.partial");
  EXPECT_EQ(names(), after);
  remove_unfinished({.path = out_ / "mine.parquet"});
  after.erase("out/.mine.parquet.812-0.partial");
  EXPECT_EQ(names(), after);
  remove_unfinished({.path = folder_ / "no" / "folder"});
}

// The very name that an unfinished file has.
TEST_F(PartsTest, AreSweptUpUnderTheNameThatTheyHaveUntilTheyAreWhole) {
  for (const TableOutput& output :
       {TableOutput{.path = out_, .split_rows = 2}, TableOutput{.path = folder_ / "out.parquet"}}) {
    const auto writer = open_table_writer(output, nullptr, kNumbered);
    const auto before = names().size();
    remove_unfinished(output);
    EXPECT_EQ(names().size(), before - 1);
  }
}

const std::vector<ColumnSpec> kVectors = {{.name = "number", .type = ColumnType::Integer},
                                          {.name = "v", .type = ColumnType::Vector, .dimension = 256}};

std::vector<ColumnValues> random_vectors(std::int64_t rows) {
  std::mt19937 random(3);
  std::vector<float> values(static_cast<std::size_t>(rows) * 256);
  for (float& value : values) value = static_cast<float>(random());
  auto columns = numbers(0, rows);
  columns.emplace_back().vectors = bytes_of(values);
  return columns;
}

// 25 MB of what hardly shrinks.
TEST_F(PartsTest, HoldAboutSoManyBytes) {
  constexpr std::uint64_t kSize = 8 << 20;
  for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
    const auto summary =
        write({.path = out_, .format = format, .split_bytes = kSize}, kVectors, random_vectors(25'000));
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(read_all(*summary), counted(25'000));
    EXPECT_GE(summary->parts.size(), 3u);
    for (const WrittenPart& part : summary->parts) {
      EXPECT_LE(part.size_bytes, kSize + kSize / 8);
      if (&part == &summary->parts.back()) continue;
      EXPECT_GE(part.size_bytes, kSize - kSize / 8);
    }
  }
}

TEST_F(PartsTest, EndBeforeReadersCannotCountTheirValues) {
  const TableOutput output{.path = out_, .split_bytes = 1 << 30, .max_elements = 256 * 10};
  EXPECT_EQ(max_rows_of_file(output, kVectors), 10u);
  const auto summary = write(output, kVectors, random_vectors(25));
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(read_all(*summary), counted(25));
  ASSERT_EQ(summary->parts.size(), 3u);
  EXPECT_EQ(summary->parts[0].rows, 10u);
}

TEST_F(PartsTest, AreTheWayOutWhereOneFileIsFull) {
  const TableOutput output{.path = folder_ / "out.parquet", .max_elements = 256 * 10};
  ASSERT_TRUE(write(output, kVectors, random_vectors(10)));
  fs::remove(output.path);
  const auto full = write(output, kVectors, random_vectors(11));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(full.error().message, testing::HasSubstr("one file holds 10 rows of such vectors"));
  EXPECT_EQ(names(), std::set<std::string>{});
  EXPECT_EQ(max_rows_of_file({.path = "a"}, {{.name = "v", .type = ColumnType::Vector, .dimension = 384}}), 5'592'405u);
}

}  // namespace
}  // namespace llama::internal
