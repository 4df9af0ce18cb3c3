#include "llama-vectors/inspection.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "inspect/row_digests.h"
#include "inspect/vector_sample.h"
#include "vector_files.h"

namespace llama {
namespace {

std::vector<std::string> numbered_texts(std::size_t count) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(std::format("text {}", i));
  return texts;
}

bool has_kind(const std::vector<Finding>& findings, FindingKind kind) {
  return std::ranges::contains(findings, kind, &Finding::kind);
}

TEST(Inspection, FindsNothingWrongWithSoundVectors) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = random_vectors(300, 8, 1), .texts = numbered_texts(300)});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const auto seen = inspect_vectors(file, {});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->rows, 300U);
  EXPECT_EQ(seen->vectors, 300U);
  EXPECT_EQ(seen->duplicate_texts + seen->duplicate_vectors + seen->shared.rows, 0U);
  EXPECT_EQ(seen->sampled, 300U);
  const auto findings = findings_of(*seen, file);
  EXPECT_TRUE(std::ranges::none_of(findings, &Finding::is_fault));
  EXPECT_TRUE(has_kind(findings, FindingKind::LengthsDiffer));
}

TEST(Inspection, EstimatesWhereThereIsNoRoomForAllDigests) {
  const VectorFolder folder;
  // Each text and vector comes four times.
  Vectors vectors = random_vectors(1000, 4, 2);
  std::vector<std::string> texts = numbered_texts(1000);
  for (int round = 0; round < 2; ++round) {
    vectors.append_range(Vectors(vectors));
    texts.append_range(std::vector<std::string>(texts));
  }
  write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = texts});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const auto exact = inspect_vectors(file, {});
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->counted_share, 1U);
  EXPECT_EQ(exact->duplicate_texts, 3000U);
  EXPECT_EQ(exact->duplicate_vectors, 3000U);
  EXPECT_EQ(exact->shared.rows, 0U);
  EXPECT_EQ(exact->digest_bytes, 4000 * internal::RowDigests::kRowBytes);
  InspectOptions little;
  little.digest_bytes = exact->digest_bytes / 4;
  const auto about = inspect_vectors(file, little);
  ASSERT_TRUE(about);
  EXPECT_EQ(about->counted_share, 4U);
  // A quarter of 1,000 digests: 250, give or take 5 times 14.
  EXPECT_NEAR(static_cast<double>(about->duplicate_texts), 3000, 840);
  EXPECT_NEAR(static_cast<double>(about->duplicate_vectors), 3000, 840);
  EXPECT_LT(about->digest_bytes, exact->digest_bytes / 2);
}

TEST(Inspection, StopsWhenAsked) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = random_vectors(300, 8, 1), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(inspect_vectors(file, {}, source.get_token()).error().code, ErrorCode::Cancelled);
  InspectOptions nowhere;
  nowhere.text_column = "nowhere";
  EXPECT_EQ(inspect_vectors(file, nowhere).error().code, ErrorCode::InvalidArgument);
}

TEST(VectorFile, ChoosesTheColumnOfTexts) {
  const VectorFolder folder;
  const auto write = [&](const TableMetadata& metadata) {
    write_vectors(folder.path("a.parquet"),
                  {.vectors = random_vectors(3, 8, 1), .texts = numbered_texts(3), .metadata = metadata});
    return open_file(folder.path("a.parquet"));
  };
  EXPECT_EQ(write({}).text_column(), "text");
  EXPECT_EQ(write({{"llama.text_column", "gone"}}).text_column(), "text");
  write_vectors(folder.path("b.parquet"), {.vectors = random_vectors(3, 8, 1), .texts = {}});
  EXPECT_EQ(open_file(folder.path("b.parquet")).text_column(), "");
}

TEST(VectorFile, TellsPartsThatCannotBeCompared) {
  const VectorFolder folder;
  std::filesystem::create_directories(folder.path("parts"));
  const auto write = [&](std::string_view name, const TableMetadata& metadata) {
    write_vectors(folder.path("parts") / name, {.vectors = random_vectors(3, 8, 1), .texts = {}, .metadata = metadata});
  };
  const TableMetadata same = {{"llama.model_file", "a.gguf"}, {"llama.created", "yesterday"}};
  write("1.parquet", same);
  write("2.parquet", {{"llama.model_file", "a.gguf"}, {"llama.created", "today"}});
  EXPECT_TRUE(open_file(folder.path("parts")).odd_files().empty());
  write("3.parquet", {{"llama.model_file", "b.gguf"}});
  write("4.parquet", {{"llama.model_file", "a.gguf"}, {"llama.prompt", "q: {text}"}});
  const VectorFile file = open_file(folder.path("parts"));
  ASSERT_EQ(file.odd_files().size(), 2U);
  EXPECT_THAT(file.odd_files()[0], ::testing::HasSubstr("3.parquet' is of another model"));
  EXPECT_THAT(file.odd_files()[1], ::testing::HasSubstr("4.parquet' is of another prompt"));
}

}  // namespace

namespace internal {
namespace {

TEST(VectorSample, ChoosesDifferentRowsByTheSeedAlone) {
  for (const std::uint64_t rows : {0U, 1U, 10U, 1000U, 1'000'000U}) {
    const auto sample = choose_sample(rows, 100, 7);
    EXPECT_EQ(sample.size(), std::min<std::uint64_t>(rows, 100));
    EXPECT_TRUE(std::ranges::is_sorted(sample));
    EXPECT_EQ(std::set(sample.begin(), sample.end()).size(), sample.size());
    EXPECT_TRUE(sample.empty() || sample.back() < rows);
    EXPECT_EQ(sample, choose_sample(rows, 100, 7));
    EXPECT_EQ(sample == choose_sample(rows, 100, 8), rows <= 100);
  }
}

TEST(VectorSample, ReachesAllRows) {
  // Of a thousand samples of one in ten each row is in a hundred, give or take 5 times 9.5.
  std::vector<int> times(100);
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    for (const std::uint64_t row : choose_sample(100, 10, seed)) ++times[row];
  EXPECT_GT(std::ranges::min(times), 52);
  EXPECT_LT(std::ranges::max(times), 148);
}

}  // namespace
}  // namespace internal
}  // namespace llama
