#include "llama-vectors/vector_index.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <limits>

#include "vector_files.h"

namespace llama {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

using enum VectorElement;
constexpr VectorElement kElements[] = {Float32, Float16, Int8, Bits};

// Points around centres, as texts have themes.
Vectors themed_vectors(std::size_t count, std::size_t dimension, unsigned seed) {
  const Vectors themes = random_vectors(20, dimension, seed);
  Vectors vectors = random_vectors(count, dimension, seed + 1);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < dimension; ++j) vectors[i][j] = themes[i % 20][j] + 0.5F * vectors[i][j];
  return vectors;
}

VectorIndex built(const VectorFile& file, int threads = 2) {
  auto index = VectorIndex::build(file, {.threads = threads, .on_rows = {}, .on_measured = {}});
  EXPECT_TRUE(index) << index.error().message;
  return std::move(*index);
}

SearchAnswer exactly(const VectorFile& file, const Vectors& queries, std::size_t k, const RowSet* rows = nullptr) {
  return search_vectors(file, queries, {.k = k, .rows = rows, .threads = 2, .on_progress = {}}).value();
}

SearchAnswer by(const VectorIndex& index, const VectorFile& file, const Vectors& queries, std::size_t k,
                const RowSet* rows = nullptr, std::size_t breadth = 16) {
  return index.search(file, queries, {.k = k, .breadth = breadth, .rows = rows, .threads = 2}).value();
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(VectorIndex, GivesWhatItFindsTheScoresOfExactSearch) {
  const VectorFolder folder;
  const Vectors queries = random_vectors(5, 32, 9);
  for (const VectorElement element : kElements) {
    write_vectors(folder.path("a.parquet"), {.vectors = themed_vectors(1000, 32, 1), .texts = {}, .element = element});
    const VectorFile file = open_file(folder.path("a.parquet"));
    const SearchAnswer all = exactly(file, queries, 1000);
    const SearchAnswer found = by(built(file), file, queries, 20);
    EXPECT_EQ(found.searched, 1000U);
    for (std::size_t i = 0; i < queries.size(); ++i) {
      ASSERT_EQ(found.hits[i].size(), 20U);
      // What was found stands in the whole answer too, in the same order.
      auto at = all.hits[i].begin();
      for (const SearchHit& hit : found.hits[i]) {
        at = std::find(at, all.hits[i].end(), hit);
        ASSERT_NE(at, all.hits[i].end()) << hit.row;
      }
    }
  }
}

TEST(VectorIndex, MissesNothingWhereEveryVectorIsLookedAt) {
  const VectorFolder folder;
  const Vectors queries = random_vectors(5, 24, 8);
  for (const VectorElement element : kElements) {
    Vectors vectors = themed_vectors(300, 24, 2);
    for (std::size_t i = 0; i < 40; ++i) vectors[200 + i] = vectors[i % 4];  // equal scores
    write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}, .element = element});
    const VectorFile file = open_file(folder.path("a.parquet"));
    const VectorIndex index = built(file);
    EXPECT_EQ(index.breadth_for(0.9).recall, 1.0);
    for (const std::size_t k : {1U, 7U, 300U, 400U})
      EXPECT_EQ(by(index, file, queries, k).hits, exactly(file, queries, k).hits) << k;
    const Vectors twin = {vectors[3]};
    EXPECT_EQ(by(index, file, twin, 11).hits, exactly(file, twin, 11).hits);
  }
}

TEST(VectorIndex, FindsAsManyRowsAsThereAreWhateverTheCondition) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = themed_vectors(1500, 16, 3), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  const Vectors queries = random_vectors(4, 16, 4);
  std::size_t right = 0, wanted = 0;
  for (const std::size_t step : {1U, 2U, 3U, 10U, 100U, 750U, 1500U}) {
    RowSet rows{.has = std::vector<bool>(1500), .count = 1500 / step};
    for (std::size_t row = 0; row < 1500; row += step) rows.has[row] = true;
    for (const std::size_t k : {1U, 10U, 100U, 1500U}) {
      const SearchAnswer found = by(index, file, queries, k, &rows);
      const SearchAnswer exact = exactly(file, queries, k, &rows);
      EXPECT_EQ(found.searched, exact.searched);
      for (std::size_t i = 0; i < queries.size(); ++i) {
        wanted += exact.hits[i].size();
        ASSERT_EQ(found.hits[i].size(), exact.hits[i].size()) << step << " " << k;
        for (const SearchHit& hit : found.hits[i]) {
          EXPECT_TRUE(rows.has[hit.row]);
          right += std::ranges::contains(exact.hits[i], hit) ? 1 : 0;
        }
      }
      EXPECT_TRUE(step < 10 || found.hits == exact.hits) << step << " " << k;  // few are all looked at
    }
  }
  EXPECT_GE(right * 10, wanted * 9);
  const RowSet none{.has = std::vector<bool>(1500), .count = 0};
  EXPECT_TRUE(by(index, file, queries, 5, &none).hits[0].empty());
}

TEST(VectorIndex, CountsRowsThatAreLeftOutAsExactSearchDoes) {
  const VectorFolder folder;
  Vectors vectors = themed_vectors(450, 4, 5);
  vectors[0] = vectors[120] = {};
  vectors[10][1] = std::numeric_limits<float>::quiet_NaN();
  vectors[11][0] = std::numeric_limits<float>::infinity();
  vectors[449] = {0, 0, 0, 0};
  write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  EXPECT_EQ(index.vectors(), 445U);
  RowSet some{.has = std::vector<bool>(450), .count = 4};
  for (const std::size_t row : {0U, 11U, 100U, 200U}) some.has[row] = true;
  const Vectors query = {{1, 2, 3, 4}};
  for (const RowSet* const rows : std::initializer_list<const RowSet*>{nullptr, &some}) {
    const SearchAnswer found = by(index, file, query, 1000, rows), exact = exactly(file, query, 1000, rows);
    EXPECT_EQ(found.hits, exact.hits);
    EXPECT_EQ(found.searched, exact.searched);
    EXPECT_EQ(found.nulls, exact.nulls);
    EXPECT_EQ(found.non_finite, exact.non_finite);
    EXPECT_EQ(found.zeros, exact.zeros);
  }
}

TEST(VectorIndex, MeasuresTheShareThatASearchAfterwardsFinds) {
  const VectorFolder folder;
  Vectors vectors = random_vectors(1500, 48, 6);  // without themes: hard
  vectors[7] = {};
  write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  ASSERT_EQ(index.sampled(), 200U);
  std::vector<std::uint64_t> held;
  for (std::size_t row = 0; row < vectors.size(); ++row)
    if (row != 7) held.push_back(row);
  Vectors sample;
  for (std::size_t i = 0; i < 200; ++i) sample.push_back(vectors[held[i * held.size() / 200]]);
  const SearchAnswer exact = exactly(file, sample, 11);
  for (const IndexRecall& measured : index.recalls()) {
    const SearchAnswer found = by(index, file, sample, 11, nullptr, measured.breadth);
    std::size_t right = 0;
    for (std::size_t i = 0; i < 200; ++i)
      for (const SearchHit& hit : found.hits[i])
        right += hit.row != held[i * held.size() / 200] && std::ranges::contains(exact.hits[i], hit) ? 1 : 0;
    EXPECT_DOUBLE_EQ(measured.recall, static_cast<double>(right) / 2000) << measured.breadth;
  }
  EXPECT_LT(index.recalls().front().recall, 1.0);
  EXPECT_EQ(index.recalls().back().recall, 1.0);  // every vector is looked at
  EXPECT_EQ(index.breadth_for(0).breadth + index.breadth_for(0, 64).breadth, 16U + 64U);
}

TEST(VectorIndex, AnswersTheSameAfterItWasWrittenAndRead) {
  const VectorFolder folder;
  const Vectors queries = random_vectors(5, 16, 8);
  write_vectors(folder.path("a.parquet"), {.vectors = themed_vectors(1000, 16, 7), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  const fs::path path = folder.path("a.hnsw");
  EXPECT_EQ(VectorIndex::load(path, file, 2).error().code, ErrorCode::NotFound);
  ASSERT_TRUE(index.save(path, file, 2));
  const auto read = VectorIndex::load(path, open_file(folder.path("a.parquet")), 2);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->recalls(), index.recalls());
  EXPECT_EQ(read->vectors(), index.vectors());
  // One thread builds the same whenever it does.
  for (const char* name : {"1.hnsw", "2.hnsw"}) ASSERT_TRUE(built(file, 1).save(folder.path(name), file, 2));
  EXPECT_EQ(bytes_of(folder.path("1.hnsw")), bytes_of(folder.path("2.hnsw")));
  for (const std::size_t k : {3U, 50U, 1000U})
    EXPECT_EQ(by(*read, file, queries, k).hits, by(index, file, queries, k).hits);
}

TEST(VectorIndex, DoesNotBelieveAChangedByte) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = themed_vectors(12, 4, 9), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const fs::path path = folder.path("a.hnsw");
  ASSERT_TRUE(built(file).save(path, file, 2));
  const std::string whole = bytes_of(path);
  const auto expect_refused = [&](std::string_view bytes, std::size_t at) {
    write_bytes(path, bytes);
    const auto read = VectorIndex::load(path, file, 2);
    ASSERT_FALSE(read) << at;
    EXPECT_TRUE(read.error().code == ErrorCode::Corrupt || read.error().code == ErrorCode::InvalidArgument) << at;
    EXPECT_THAT(read.error().message, HasSubstr("a.hnsw': it"));
  };
  for (std::size_t at = 0; at < whole.size(); at += at < 400 ? 1 : 5) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    expect_refused(changed, at);
  }
  for (std::size_t length = 0; length < whole.size(); length += 97)
    expect_refused(std::string_view(whole).substr(0, length), length);
  expect_refused(whole + "x", whole.size());
  expect_refused("PAR1", 0);
}

TEST(VectorIndex, IsNotUsedForAFileThatWasWrittenAnew) {
  const VectorFolder folder;
  const Vectors vectors = themed_vectors(40, 8, 9);
  const auto write = [&](const char* name, const Vectors& rows) {
    write_vectors(folder.path(name), {.vectors = rows, .texts = {}});
  };
  write("a.parquet", vectors);
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  ASSERT_TRUE(index.save(folder.path("a.hnsw"), file, 2));
  const auto why_not = [&](const char* name) -> std::string {
    const auto read = VectorIndex::load(folder.path("a.hnsw"), open_file(folder.path(name)), 2);
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(why_not("a.parquet"), "");
  // The same content, under another name, and at another time.
  write("b.parquet", vectors);
  EXPECT_THAT(why_not("b.parquet"), HasSubstr("also of a file that is not here"));
  const auto time = fs::last_write_time(folder.path("a.parquet"));
  fs::last_write_time(folder.path("a.parquet"), time + std::chrono::seconds(1));
  EXPECT_THAT(why_not("a.parquet"), HasSubstr("'a.parquet' as it was before"));
  EXPECT_EQ(index.save(folder.path("b.hnsw"), file, 2).error().code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(fs::exists(folder.path("b.hnsw")));
  // Other content with the old time and size.
  Vectors others = vectors;
  std::swap(others[3], others[4]);
  write("a.parquet", others);
  fs::last_write_time(folder.path("a.parquet"), time);
  EXPECT_THAT(why_not("a.parquet"), HasSubstr("as it was before"));
}

TEST(VectorIndex, StopsAndLeavesNothing) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = themed_vectors(1000, 16, 7), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  for (const bool while_measured : {false, true}) {
    std::stop_source source;
    const auto stop_at = [&](bool now) {
      return [&source, now](std::uint64_t) { now ? source.request_stop() : false; };
    };
    const auto index = VectorIndex::build(
        file, {.threads = 2, .on_rows = stop_at(!while_measured), .on_measured = stop_at(while_measured)},
        source.get_token());
    ASSERT_FALSE(index);
    EXPECT_EQ(index.error().code, ErrorCode::Cancelled);
    EXPECT_EQ(built(file).save(folder.path("a.hnsw"), file, 2, source.get_token()).error().code, ErrorCode::Cancelled);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path("")), {}), 1);
}

TEST(VectorIndex, OfAFewVectorsOrNoneAnswersToo) {
  const VectorFolder folder;
  for (const std::size_t count : {0U, 1U, 2U, 3U}) {
    Vectors vectors = random_vectors(count, 4, 3);
    vectors.emplace_back();  // null
    write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}});
    const VectorFile file = open_file(folder.path("a.parquet"));
    ASSERT_TRUE(built(file).save(folder.path("a.hnsw"), file, 1));
    const auto index = VectorIndex::load(folder.path("a.hnsw"), file, 1);
    ASSERT_TRUE(index) << count << index.error().message;
    EXPECT_EQ(index->recalls().empty(), count < 2);
    const Vectors query = {std::vector<float>(static_cast<std::size_t>(file.dimension()), 1)};
    EXPECT_EQ(by(*index, file, query, 9).hits, exactly(file, query, 9).hits);
  }
}

TEST(VectorIndex, RefusesWhatItCannotAnswer) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = random_vectors(9, 4, 3), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const VectorIndex index = built(file);
  const Vectors query = {{1, 2, 3}};
  EXPECT_EQ(index.search(file, query, {}).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(index.save("/nowhere/a.hnsw", file, 1).error().code, ErrorCode::Io);
  EXPECT_EQ(VectorIndex::load(folder.path(""), file, 1).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(VectorIndex::build(file, {.links = 1, .on_rows = {}, .on_measured = {}}).error().code,
            ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
