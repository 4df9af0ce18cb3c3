#include "llama-vectors/vector_search.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "values/vector_widener.h"
#include "vector_files.h"

namespace llama {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// All rows that have a direction, by a plain loop and a whole sort.
std::vector<SearchHit> by_hand(const Vectors& vectors, const std::vector<float>& query) {
  std::vector<SearchHit> hits;
  for (std::size_t row = 0; row < vectors.size(); ++row) {
    double product = 0, squares = 0, query_squares = 0;
    for (std::size_t i = 0; i < vectors[row].size(); ++i) {
      product += static_cast<double>(vectors[row][i]) * query[i];
      squares += static_cast<double>(vectors[row][i]) * vectors[row][i];
      query_squares += static_cast<double>(query[i]) * query[i];
    }
    if (vectors[row].empty() || squares == 0 || !std::isfinite(squares)) continue;
    hits.push_back({row, product / std::sqrt(squares * query_squares)});
  }
  std::ranges::stable_sort(hits, std::greater<>(), &SearchHit::score);
  return hits;
}

// Rows in the same order, scores the same but for their last bits.
void expect_hits(const std::vector<SearchHit>& found, const std::vector<SearchHit>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].row, expected[i].row) << i;
    EXPECT_NEAR(found[i].score, expected[i].score, 1e-12) << i;
  }
}

// What a file of a kind holds. Requires that each row has a vector.
Vectors as_stored(const VectorFile& file) {
  const internal::VectorWidener widener(file.table().vectors().element, file.dimension(),
                                        file.provenance().int8_scales);
  Vectors stored;
  const auto reader = file.table().reader({});
  for (std::size_t piece = 0; piece < file.table().pieces(); ++piece) {
    EXPECT_TRUE((*reader)->start(piece));
    for (auto block = (*reader)->next({}); block && *block; block = (*reader)->next({})) {
      for (std::size_t i = 0; i < (*block)->vectors; ++i) {
        std::vector<double> wide(widener.length());
        widener.widen((*block)->values + i * widener.stride(), wide.data());
        stored.emplace_back(wide.begin(), wide.begin() + file.dimension());
      }
    }
  }
  return stored;
}

TEST(VectorSearch, FindsWhatAWholeSortFindsOfEveryKind) {
  const VectorFolder folder;
  for (const VectorElement element :
       {VectorElement::Float32, VectorElement::Float16, VectorElement::Int8, VectorElement::Bits}) {
    for (const std::size_t dimension : {8U, 40U, 384U}) {
      for (const char* name : {"a.parquet", "a.arrow"}) {
        write_vectors(folder.path(name),
                      {.vectors = random_vectors(450, dimension, 1), .texts = {}, .element = element});
        const VectorFile file = open_file(folder.path(name));
        const Vectors stored = as_stored(file);
        ASSERT_EQ(stored.size(), 450U);
        for (const std::uint64_t row : {0U, 99U, 100U, 449U}) EXPECT_EQ(vector_of_row(file, row).value(), stored[row]);
        const Vectors queries = random_vectors(6, dimension, 2);
        for (const int threads : {1, 3}) {
          const auto answer =
              search_vectors(file, queries, {.k = 20, .rows = nullptr, .threads = threads, .on_progress = {}});
          ASSERT_TRUE(answer);
          EXPECT_EQ(answer->searched, 450U);
          EXPECT_EQ(answer->left_out(), 0U);
          for (std::size_t i = 0; i < queries.size(); ++i) {
            auto expected = by_hand(stored, queries[i]);
            // Few bits make many equal scores, whose sums differ in their last bits by hand.
            if (element == VectorElement::Bits || element == VectorElement::Int8) {
              ASSERT_EQ(answer->hits[i].size(), 20U);
              for (std::size_t j = 0; j < 20; ++j) EXPECT_NEAR(answer->hits[i][j].score, expected[j].score, 1e-6);
            } else {
              expected.resize(20);
              expect_hits(answer->hits[i], expected);
            }
          }
        }
      }
    }
  }
}

TEST(VectorSearch, GivesEqualVectorsByTheirRows) {
  const VectorFolder folder;
  Vectors vectors = random_vectors(5, 16, 3);
  for (int i = 0; i < 600; ++i) vectors.push_back(vectors[static_cast<std::size_t>(i) % 5]);
  for (const VectorElement element :
       {VectorElement::Float32, VectorElement::Float16, VectorElement::Int8, VectorElement::Bits}) {
    write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}, .element = element});
    const VectorFile file = open_file(folder.path("a.parquet"));
    const Vectors query = {vectors[2]};
    for (const int threads : {1, 4}) {
      const auto answer =
          search_vectors(file, query, {.k = 100, .rows = nullptr, .threads = threads, .on_progress = {}});
      ASSERT_TRUE(answer);
      for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(answer->hits[0][i].row, 2 + 5 * i);
    }
  }
}

TEST(VectorSearch, LeavesOutRowsWithoutADirectionAndCountsThem) {
  const VectorFolder folder;
  Vectors vectors = random_vectors(250, 4, 4);
  vectors[0] = {};
  vectors[10][1] = kNaN;
  vectors[11][0] = std::numeric_limits<float>::infinity();
  vectors[249] = {0, 0, 0, 0};
  write_vectors(folder.path("a.parquet"), {.vectors = vectors, .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const Vectors query = {{1, 2, 3, 4}};
  const auto all = search_vectors(file, query, {.k = 1'000'000, .rows = nullptr, .threads = 2, .on_progress = {}});
  ASSERT_TRUE(all);
  expect_hits(all->hits[0], by_hand(vectors, query[0]));
  EXPECT_EQ(all->searched, 246U);
  EXPECT_EQ(all->nulls, 1U);
  EXPECT_EQ(all->non_finite, 2U);
  EXPECT_EQ(all->zeros, 1U);

  RowSet rows{.has = std::vector<bool>(250), .count = 4};
  for (const std::size_t row : {0U, 11U, 100U, 200U}) rows.has[row] = true;
  const auto some = search_vectors(file, query, {.k = 5, .rows = &rows, .threads = 2, .on_progress = {}});
  ASSERT_TRUE(some);
  EXPECT_EQ(some->hits[0].size(), 2U);
  EXPECT_EQ(some->searched, 2U);
  EXPECT_EQ(some->nulls, 1U);
  EXPECT_EQ(some->non_finite, 1U);
}

TEST(VectorSearch, RefusesQueriesThatCannotBeCompared) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = random_vectors(5, 4, 5), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  for (const auto& [query, said] : std::vector<std::pair<std::vector<float>, std::string>>{
           {{1, 2, 3}, "has 3 dimensions"}, {{0, 0, 0, 0}, "no direction"}, {{1, kNaN, 0, 0}, "no direction"}}) {
    const Vectors queries = {query};
    const auto answer = search_vectors(file, queries, {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(answer.error().message, HasSubstr(said));
  }
  EXPECT_FALSE(search_vectors(file, {}, {}));
  EXPECT_THAT(vector_of_row(file, 5).error().message, HasSubstr("the last is 4"));
}

TEST(VectorSearch, StopsAndTellsHowFarItIs) {
  const VectorFolder folder;
  write_vectors(folder.path("a.parquet"), {.vectors = random_vectors(1000, 4, 6), .texts = {}});
  const VectorFile file = open_file(folder.path("a.parquet"));
  const Vectors query = {{1, 2, 3, 4}};
  std::vector<std::uint64_t> told;
  ASSERT_TRUE(search_vectors(
      file, query,
      {.k = 1, .rows = nullptr, .threads = 3, .on_progress = [&](std::uint64_t rows) { told.push_back(rows); }}));
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 1000U);
  std::stop_source source;
  const auto answer = search_vectors(
      file, query,
      {.k = 1, .rows = nullptr, .threads = 3, .on_progress = [&](std::uint64_t) { source.request_stop(); }},
      source.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::Cancelled);
}

}  // namespace
}  // namespace llama
