#include "llama-table/vector_table.h"

#include <arrow/json/from_string.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>

#include "table_files.h"

namespace llama {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<arrow::Array> array_of(const std::shared_ptr<arrow::DataType>& type, std::string_view json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

std::shared_ptr<arrow::Table> table_of(
    const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return arrow::Table::Make(arrow::schema(fields), arrays);
}

struct ReadVectors {
  std::vector<std::vector<double>> vectors;
  std::vector<std::uint64_t> rows;  // of each
  std::uint64_t nulls = 0, other_lengths = 0, all_rows = 0;
  Error error{ErrorCode::Internal, ""};
};

template <class T>
std::vector<double> values_at(const std::byte* from, std::int32_t dimension) {
  std::vector<T> values(static_cast<std::size_t>(dimension));
  std::memcpy(values.data(), from, values.size() * sizeof(T));
  return {values.begin(), values.end()};
}

ReadVectors read_vectors(const VectorTable& table) {
  ReadVectors read;
  const auto reader = table.reader({});
  for (std::size_t piece = 0; piece < table.pieces(); ++piece) {
    if (auto started = (*reader)->start(piece); !started) return read.error = started.error(), read;
    for (;;) {
      auto block = (*reader)->next({});
      if (!block) return read.error = block.error(), read;
      if (!*block) break;
      EXPECT_EQ((*block)->first_row, read.all_rows);
      read.all_rows += (*block)->rows;
      read.nulls += (*block)->nulls;
      read.other_lengths += (*block)->other_lengths;
      const auto& column = table.vectors();
      for (std::size_t i = 0; i < (*block)->vectors; ++i) {
        const std::byte* at = (*block)->values + i * vector_bytes(column.element, column.dimension);
        read.rows.push_back((*block)->first_row + (*block)->row(i));
        read.vectors.push_back(column.element == VectorElement::Float32 ? values_at<float>(at, column.dimension)
                               : column.element == VectorElement::Int8
                                   ? values_at<std::int8_t>(at, column.dimension)
                                   : values_at<std::uint8_t>(at, column.dimension / 8));
      }
    }
  }
  return read;
}

ReadVectors read_file(const std::string& path, std::optional<std::string> column = {}) {
  const auto table = VectorTable::open({.paths = {path}, .column = std::move(column)});
  return table ? read_vectors(**table) : ReadVectors{.vectors = {}, .rows = {}, .error = table.error()};
}

TEST(VectorTable, ReadsListsOfEveryKindWhereverTheyLie) {
  struct Case {
    std::shared_ptr<arrow::DataType> type;
    bool has_null;
  };
  const TestFolder folder;
  const auto& f = arrow::float32();
  for (const auto& [type, has_null] : std::vector<Case>{{arrow::list(f), true},
                                                        {arrow::large_list(f), true},
                                                        {arrow::fixed_size_list(f, 2), false},
                                                        {arrow::list(arrow::float64()), true},
                                                        {arrow::list(arrow::int8()), true},
                                                        {arrow::fixed_size_list(arrow::int8(), 2), false}}) {
    const auto all = array_of(type, has_null ? "[[9, 9], [1, 2], null, [3, 4], [5, 6], [9, 9]]"
                                             : "[[9, 9], [1, 2], [0, 0], [3, 4], [5, 6], [9, 9]]");
    const auto table = table_of({{"v", all->Slice(1, 4)}});
    write_parquet(folder.path("a.parquet"), *table, 3);
    write_ipc(folder.path("a.arrow"), *table, false);
    write_ipc(folder.path("a.arrows"), *table, true);
    for (const char* name : {"a.parquet", "a.arrow", "a.arrows"}) {
      const ReadVectors read = read_file(folder.path(name));
      EXPECT_EQ(read.error.message, "") << type->ToString() << " " << name;
      EXPECT_EQ(read.all_rows, 4U);
      EXPECT_EQ(read.nulls, has_null ? 1U : 0U);
      if (has_null) {
        EXPECT_THAT(read.rows, ElementsAre(0, 2, 3)) << type->ToString() << " " << name;
        EXPECT_THAT(read.vectors, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5, 6)));
      } else {
        EXPECT_THAT(read.vectors,
                    ElementsAre(ElementsAre(1, 2), ElementsAre(0, 0), ElementsAre(3, 4), ElementsAre(5, 6)));
      }
    }
  }
}

TEST(VectorTable, TellsRowsWithoutAVectorApart) {
  const TestFolder folder;
  // A null that has a place, a list of another length, a null in a list.
  write_ipc(
      folder.path("a.arrow"),
      *table_of({{"v", array_of(arrow::fixed_size_list(arrow::float32(), 2), "[[1, 2], null, [3, null], [5, 6]]")}}),
      false);
  const ReadVectors fixed = read_file(folder.path("a.arrow"));
  EXPECT_THAT(fixed.rows, ElementsAre(0, 2, 3));
  EXPECT_EQ(fixed.nulls, 1U);
  ASSERT_EQ(fixed.vectors.size(), 3U);
  EXPECT_EQ(fixed.vectors[1][0], 3);
  EXPECT_TRUE(std::isnan(fixed.vectors[1][1]));
  write_parquet(folder.path("a.parquet"),
                *table_of({{"v", array_of(arrow::list(arrow::int8()), "[null, [1, 2], [1], [3, null], [], [5, 6]]")}}));
  const ReadVectors lists = read_file(folder.path("a.parquet"));
  EXPECT_THAT(lists.rows, ElementsAre(1, 5));
  EXPECT_EQ(lists.nulls, 2U);  // of whole numbers a null is no value
  EXPECT_EQ(lists.other_lengths, 2U);
  EXPECT_THAT(lists.vectors, ElementsAre(ElementsAre(1, 2), ElementsAre(5, 6)));
}

TEST(VectorTable, HandsOnMemoryAsItLies) {
  const TestFolder folder;
  write_ipc(folder.path("a.arrow"),
            *table_of({{"v", array_of(arrow::fixed_size_list(arrow::float32(), 2), "[[1, 2], [3, 4]]")}}), false);
  const auto table = VectorTable::open({.paths = {folder.path("a.arrow")}, .column = {}});
  ASSERT_TRUE(table);
  std::vector<const std::byte*> places;
  for (int round = 0; round < 2; ++round) {
    const auto reader = (*table)->reader({});
    ASSERT_TRUE((*reader)->start(0));
    const auto block = (*reader)->next({});
    ASSERT_TRUE(block && *block);
    // Within the mapped file: both values are there in one piece.
    EXPECT_EQ((*block)->vectors, 2U);
    EXPECT_THAT(values_at<float>((*block)->values, 4), ElementsAre(1, 2, 3, 4));
    EXPECT_TRUE((*block)->row_of.empty());
  }
}

TEST(VectorTable, BringsCellsAlong) {
  const TestFolder folder;
  write_parquet(folder.path("a.parquet"),
                *table_of({{"v", array_of(arrow::list(arrow::float32()), "[[1], [2], [3]]")},
                           {"t", array_of(arrow::utf8(), R"(["a", null, "c"])")},
                           {"n", array_of(arrow::uint16(), "[7, 8, null]")}}),
                2);
  const auto table = VectorTable::open({.paths = {folder.path("a.parquet")}, .column = {}});
  ASSERT_TRUE(table);
  const auto reader = (*table)->reader({"n", "t"});
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->start(1));
  auto block = (*reader)->next({});
  ASSERT_TRUE(block && *block);
  EXPECT_EQ((*block)->first_row, 2U);
  EXPECT_EQ((*block)->columns[0].number(0), std::nullopt);
  EXPECT_EQ((*block)->columns[1].text(0), "c");
  ASSERT_TRUE((*reader)->start(0));
  block = (*reader)->next({});
  ASSERT_TRUE(block && *block);
  EXPECT_EQ((*block)->columns[0].number(1), 8);
  EXPECT_EQ((*block)->columns[0].text(1), std::nullopt);
  EXPECT_EQ((*block)->columns[1].text(1), std::nullopt);
  EXPECT_EQ((*block)->columns[1].number(0), std::nullopt);
  EXPECT_THAT((*table)->reader({"m"}).error().message, HasSubstr("no column 'm'"));
}

// Parts with 700 rows to a batch, which rows are asked for across.
class PartedTable : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int part = 0; part < 3; ++part) {
      arrow::ListBuilder vectors(arrow::default_memory_pool(), std::make_shared<arrow::FloatBuilder>());
      arrow::Int64Builder ids;
      for (int i = 0; i < 1500; ++i) {
        must(vectors.Append());
        must(static_cast<arrow::FloatBuilder*>(vectors.value_builder())->Append(static_cast<float>(i)));
        must(ids.Append(part * 1500 + i));
      }
      write_parquet(folder_.write(std::format("kind={}/a.parquet", part), ""),
                    *table_of({{"v", vectors.Finish().ValueOrDie()}, {"id", ids.Finish().ValueOrDie()}}), 700);
    }
    table_ = VectorTable::open({.paths = {folder_.path("")}, .column = {}}).value();
  }
  TestFolder folder_;
  std::shared_ptr<const VectorTable> table_;
};

TEST_F(PartedTable, IsCutIntoItsFilesRowGroups) {
  EXPECT_EQ(table_->rows(), 4500U);
  EXPECT_EQ(table_->pieces(), 9U);
  ASSERT_EQ(table_->files().size(), 3U);
  EXPECT_EQ(table_->files()[2].first_row, 3000U);
  EXPECT_EQ(table_->columns().back().name, "kind");
  EXPECT_TRUE(table_->columns().back().is_of_folders);
  for (std::uint64_t row = 0; row < 4500; ++row) {
    const std::uint64_t in_file = row % 1500;
    EXPECT_EQ(table_->piece_of(row), row / 1500 * 3 + in_file / 700);
  }
}

TEST_F(PartedTable, GivesRowsInTheOrderAskedFor) {
  std::vector<std::uint64_t> rows = {4499, 0, 0, 700, 699, 3001, 1500};
  for (std::uint64_t i = 0; i < 3000; ++i) rows.push_back(i * 1009 % 4500);
  auto reader = table_->rows_at(rows, {.cells = {"id"}, .keep = {"kind", "id"}});
  ASSERT_TRUE(reader);
  const ReadTable read = read_all(**reader);
  EXPECT_EQ(read.error.message, "");
  EXPECT_EQ(read.numbers, rows);
  ASSERT_EQ(read.cells.size(), rows.size());
  const auto kinds = read.kept_values("kind");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(read.cells[i].front(), std::to_string(rows[i]));
    EXPECT_EQ(kinds[i], std::to_string(rows[i] / 1500));
  }
  EXPECT_EQ(read.kept->schema()->field(0)->name(), "kind");
  EXPECT_THAT(table_->rows_at({4500}, {}).error().message, HasSubstr("the last is 4499"));
  auto none = table_->rows_at({}, {.cells = {}, .keep = {"id"}});
  ASSERT_TRUE(none);
  EXPECT_EQ(read_all(**none).numbers.size(), 0U);
}

TEST_F(PartedTable, FindsTheRowsOfACondition) {
  for (const auto& [condition, fits] : std::vector<std::pair<std::string, std::function<bool(std::uint64_t)>>>{
           {"id % 7 = 3 AND kind <> '1'", [](std::uint64_t row) { return row % 7 == 3 && row / 1500 != 1; }},
           {"\"ID\" >= 4000", [](std::uint64_t row) { return row >= 4000; }},
           {"kind = '2'", [](std::uint64_t row) { return row >= 3000; }},
           {"v[1] = 1499", [](std::uint64_t row) { return row % 1500 == 1499; }},
           {"COLUMNS('^id$') = 12", [](std::uint64_t row) { return row == 12; }},
           {"1 = 2", [](std::uint64_t) { return false; }}}) {
    const auto found = table_->rows_where(condition, {});
    ASSERT_TRUE(found) << condition << ": " << found.error().message;
    std::uint64_t count = 0;
    for (std::uint64_t row = 0; row < 4500; ++row) {
      EXPECT_EQ(found->has[row], fits(row)) << condition << ", row " << row;
      count += fits(row) ? 1 : 0;
    }
    EXPECT_EQ(found->count, count);
  }
  for (const char* condition : {"nowhere = 1", "id =", "1) OR (1", "(SELECT 1); DROP TABLE x"}) {
    const auto found = table_->rows_where(condition, {});
    ASSERT_FALSE(found) << condition;
    EXPECT_EQ(found.error().code, ErrorCode::InvalidQuery) << found.error().message;
  }
}

TEST_F(PartedTable, StopsWhenAsked) {
  std::stop_source source;
  source.request_stop();
  const auto reader = table_->reader({});
  ASSERT_TRUE((*reader)->start(0));
  EXPECT_EQ((*reader)->next(source.get_token()).error().code, ErrorCode::Cancelled);
  EXPECT_EQ(table_->rows_where("id = 1", source.get_token()).error().code, ErrorCode::Cancelled);
  const auto again = VectorTable::open({.paths = {folder_.path("")}, .column = {}}, source.get_token());
  EXPECT_EQ(again.error().code, ErrorCode::Cancelled);
}

TEST(VectorTable, TellsAFileThatHasChangedMeanwhile) {
  const auto rows = table_of({{"v", array_of(arrow::list(arrow::float32()), "[[1, 2], [3, 4]]")}});
  for (const std::string name : {"a.parquet", "a.arrow", "a.arrows"}) {
    const TestFolder folder, other;
    const auto write = [&](const std::string& path) {
      name == "a.parquet" ? write_parquet(path, *rows) : write_ipc(path, *rows, name == "a.arrows");
    };
    write(folder.path(name)), write(other.path(name));
    const auto table = VectorTable::open({.paths = {folder.path(name)}, .column = {}}).value();
    const auto reader = table->reader({}).value();
    EXPECT_TRUE(reader->start(0));
    std::filesystem::rename(other.path(name), folder.path(name));
    EXPECT_FALSE(reader->start(0)) << name;
    EXPECT_THAT(read_vectors(*table).error.message, HasSubstr(name + "' has changed while it was read"));
  }
}

TEST(VectorTable, OfRowsWithoutAnyVectorHasNoDimension) {
  const TestFolder folder;
  write_parquet(folder.path("a.parquet"), *table_of({{"v", array_of(arrow::list(arrow::float32()), "[null, null]")}}));
  const auto table = VectorTable::open({.paths = {folder.path("a.parquet")}, .column = {}});
  ASSERT_TRUE(table);
  EXPECT_EQ((*table)->vectors().dimension, 0);
  EXPECT_EQ(read_vectors(**table).nulls, 2U);
}

}  // namespace
}  // namespace llama
