// What goes along comes out as it came in: every type, any choice of rows, in every format.
#include <arrow/compute/cast.h>

#include <regex>

#include "output_folder.h"
#include "write/kept_columns.h"

namespace llama::internal {
namespace {

struct KeptType {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string json;  // four values, the second null
  bool fits_parquet = true;
};

std::vector<KeptType> kept_types() {
  using namespace arrow;
  const auto point = struct_({field("x", int8()), field("y", utf8())});
  return {
      {"bool", boolean(), "[true, null, false, true]"},
      {"int8", int8(), "[1, null, -3, 4]"},
      {"uint64", uint64(), "[1, null, 18446744073709551615, 4]"},
      {"float16", float16(), "[1, null, 3, 4.5]"},
      {"double", float64(), "[1.25, null, NaN, -Inf]"},
      {"decimal", decimal128(18, 3), R"(["1.234", null, "-3.000", "4.100"])"},
      {"decimal256", decimal256(60, 3), R"(["1.234", null, "-3.000", "4.100"])"},
      {"utf8", utf8(), R"(["a", null, "ä€😀", ""])"},
      {"large utf8", large_utf8(), R"(["a", null, "ä", ""])"},
      {"binary", binary(), R"(["a", null, "bc", ""])"},
      {"fixed binary", fixed_size_binary(3), R"(["abc", null, "def", "ghi"])"},
      {"date", date32(), "[1, null, -3, 4]"},
      {"time", time64(TimeUnit::MICRO), "[1, null, 3, 4]"},
      {"timestamp", timestamp(TimeUnit::NANO), "[1, null, 3, 4]"},
      {"zoned timestamp", timestamp(TimeUnit::MICRO, "Europe/Vienna"), "[1, null, 3, 4]"},
      {"duration", duration(TimeUnit::MILLI), "[1, null, 3, 4]"},
      {"interval", month_day_nano_interval(), "[[1, 2, 3], null, [4, 5, 6], [7, 8, 9]]", false},
      {"null", null(), "[null, null, null, null]"},
      {"dictionary", dictionary(int8(), utf8()), R"(["red", null, "blue", "red"])"},
      {"list", list(int64()), "[[1, 2], null, [], [3, null]]"},
      {"large list", large_list(utf8()), R"([["a"], null, [], ["b", null]])"},
      {"fixed list", fixed_size_list(field("item", float32(), false), 2), "[[1, 2], null, [3, 4], [5, 6]]"},
      {"fixed list in a struct", struct_({field("v", fixed_size_list(int8(), 2), false)}),
       R"([{"v": [1, 2]}, null, {"v": [3, 4]}, {"v": [5, 6]}])"},
      {"struct", point, R"([{"x": 1, "y": "a"}, null, {"x": null, "y": "b"}, {"x": 3, "y": null}])"},
      {"list of structs", list(point), R"([[{"x": 1, "y": "a"}], null, [], [{"x": null, "y": "b"}]])"},
      {"map", map(utf8(), int32()), R"([[["a", 1]], null, [], [["b", null], ["c", 3]]])"},
      {"list of lists", list(list(utf8())), R"([[["a"], []], null, [null], []])"},
  };
}

std::shared_ptr<arrow::RecordBatch> batch_of(const KeptType& kind) {
  const auto marked = arrow::KeyValueMetadata::Make({"unit"}, {"metre"});
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("kept", kind.type, true, marked)}), 4,
                                  {array(kind.type, kind.json)});
}

// Without the lists' types, of which there may be two.
std::string values_of(const arrow::Scalar& cell) {
  static const std::regex kTypes(R"((fixed_size_)?list<[^>]*>(\[2\])?)");
  return std::regex_replace(cell.ToString(), kTypes, "");
}

class KeptColumnsTest : public OutputFolderTest {
 protected:
  std::shared_ptr<arrow::Table> written(OutputFormat format, const std::shared_ptr<arrow::Schema>& schema,
                                        const std::vector<KeptRow>& rows) {
    const auto path = folder_ / (format == OutputFormat::Parquet ? "out.parquet" : "out.arrow");
    auto writer = open_writer({.path = path, .format = format, .existing = ExistingFile::Replace}, schema, kNumbered,
                              {}, STDOUT_FILENO);
    EXPECT_TRUE(writer) << writer.error().message;
    if (!writer) return nullptr;
    // In two pieces, so that what waits is joined.
    const std::size_t half = rows.size() / 2;
    for (const auto& [begin, end] : {std::pair<std::size_t, std::size_t>{0, half}, {half, rows.size()}}) {
      const auto done = (*writer)->write(std::span(rows).subspan(begin, end - begin),
                                         numbers(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)));
      EXPECT_TRUE(done) << done.error().message;
    }
    const auto closed = (*writer)->close({});
    EXPECT_TRUE(closed) << closed.error().message;
    return closed ? read_any(path) : nullptr;
  }
};

// In order; every other, backwards and repeated; from two batches in turn.
const std::vector<std::vector<std::pair<int, std::size_t>>> kChoices = {
    {{0, 0}, {0, 1}, {0, 2}, {0, 3}},
    {{0, 3}, {0, 1}, {0, 0}, {0, 2}, {0, 2}, {0, 2}},
    {{0, 3}, {1, 0}, {1, 1}, {0, 0}, {0, 1}, {1, 3}},
};

TEST_F(KeptColumnsTest, KeepEveryTypeInAnyChoiceOfRows) {
  for (const KeptType& kind : kept_types()) {
    const std::vector<std::shared_ptr<arrow::RecordBatch>> batches = {batch_of(kind), batch_of(kind)->Slice(0)};
    for (const auto& choice : kChoices) {
      std::vector<KeptRow> rows;
      arrow::ScalarVector expected;
      for (const auto& [batch, index] : choice) {
        rows.push_back(kept_rows(batches[batch], index, index + 1).front());
        expected.push_back(batches[batch]->column(0)->GetScalar(static_cast<std::int64_t>(index)).ValueOrDie());
      }
      for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
        if (format == OutputFormat::Parquet && !kind.fits_parquet) continue;
        SCOPED_TRACE(kind.name + (format == OutputFormat::Parquet ? ", Parquet" : ", Arrow"));
        const auto table = written(format, batches[0]->schema(), rows);
        ASSERT_NE(table, nullptr);
        // Parquet calls a list's values "element", whatever they were called.
        if (!kind.name.starts_with("fixed list") || format == OutputFormat::ArrowFile) {
          EXPECT_TRUE(table->field(0)->type()->Equals(*kind.type)) << table->field(0)->ToString();
        }
        EXPECT_EQ(table->field(0)->metadata()->Get("unit").ValueOr(""), "metre");
        ASSERT_EQ(table->num_rows(), static_cast<std::int64_t>(rows.size()));
        for (std::size_t i = 0; i < rows.size(); ++i) {
          const auto actual = table->column(0)->GetScalar(static_cast<std::int64_t>(i)).ValueOrDie();
          const auto equal = arrow::EqualOptions::Defaults().nans_equal(true);
          if (table->field(0)->type()->Equals(*kind.type)) {
            EXPECT_TRUE(actual->Equals(*expected[i], equal)) << i << ": " << actual->ToString();
          } else {
            EXPECT_EQ(values_of(*actual), values_of(*expected[i]));
          }
        }
      }
    }
  }
}

TEST_F(KeptColumnsTest, AreRefusedWhereParquetHasNoSuchType) {
  for (const KeptType& kind : kept_types()) {
    if (kind.fits_parquet) continue;
    const auto writer =
        open_writer({.path = folder_ / "out.parquet"}, batch_of(kind)->schema(), kNumbered, {}, STDOUT_FILENO);
    ASSERT_FALSE(writer) << kind.name;
    EXPECT_EQ(writer.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(writer.error().message, testing::HasSubstr("column 'kept'"));
  }
}

// Each batch with other words, so that no batch's dictionary fits the next one's; in lists, too.
TEST_F(KeptColumnsTest, KeepADictionaryThatChangesFromBatchToBatch) {
  const auto words = arrow::dictionary(arrow::int16(), arrow::utf8());
  const auto schema = arrow::schema({arrow::field("word", words), arrow::field("words", arrow::list(words))});
  for (const OutputFormat format : {OutputFormat::Parquet, OutputFormat::ArrowFile}) {
    const auto path = folder_ / (format == OutputFormat::Parquet ? "d.parquet" : "d.arrow");
    auto writer =
        open_writer({.path = path, .format = format, .row_group_rows = 2}, schema, kNumbered, {}, STDOUT_FILENO);
    ASSERT_TRUE(writer) << writer.error().message;
    std::string word_json, list_json;
    for (int i = 0; i < 5; ++i) {
      const std::string three = std::format(R"("w{}", null, "w{}")", i, 9 - i);
      const std::string lists = std::format(R"(["w{}"], ["w{}", null, "w{}"], null)", i, 9 - i, i % 2);
      const auto batch = arrow::RecordBatch::Make(
          schema, 3, {array(words, "[" + three + "]"), array(arrow::list(words), "[" + lists + "]")});
      word_json += (i == 0 ? "[" : ", ") + three;
      list_json += (i == 0 ? "[" : ", ") + lists;
      ASSERT_TRUE((*writer)->write(kept_rows(batch, 0, 3), numbers(0, 3)));
    }
    const auto closed = (*writer)->close({});
    ASSERT_TRUE(closed) << closed.error().message;
    const auto table = read_any(path);
    EXPECT_TRUE(table->field(0)->type()->Equals(*words)) << table->field(0)->ToString();
    const auto plain_list = arrow::list(arrow::utf8());
    const auto expected = {array(arrow::utf8(), word_json + "]"), array(plain_list, list_json + "]")};
    for (int column = 0; const auto& values : expected) {
      const auto plain = arrow::compute::Cast(table->column(column++), values->type());
      ASSERT_TRUE(plain.ok()) << plain.status().ToString();
      EXPECT_TRUE(plain->chunked_array()->Equals(arrow::ChunkedArray(values))) << plain->chunked_array()->ToString();
    }
  }
}

// A row that is written for each of its chunks counts each time, though its batch is small.
TEST(GatheredColumns, AreSeveralBatchesWhereOneWouldBeTooLarge) {
  const auto schema = arrow::schema({arrow::field("kept", arrow::utf8())});
  const std::string large(1'000, 'x');
  const auto batch =
      arrow::RecordBatch::Make(schema, 3, {array(arrow::utf8(), std::format(R"(["a", "{}", "b"])", large))});
  KeptColumns columns(schema, 5'000);
  const std::vector<std::size_t> picks = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0};
  std::uint64_t bytes = 0;
  for (const std::size_t pick : picks) bytes += columns.append(kept_rows(batch, pick, pick + 1).front()).value();
  EXPECT_GE(bytes, 9 * 1'000u);
  const auto batches = columns.take().ValueOrDie();
  EXPECT_GE(batches.size(), 2u);
  std::vector<std::string> found;
  for (const auto& gathered : batches)
    for (std::int64_t i = 0; i < gathered->num_rows(); ++i)
      found.push_back(gathered->column(0)->GetScalar(i).ValueOrDie()->ToString());
  ASSERT_EQ(found.size(), picks.size());
  for (std::size_t i = 0; i < picks.size(); ++i)
    EXPECT_EQ(found[i], std::vector<std::string>({"a", large, "b"})[picks[i]]);
  EXPECT_TRUE(columns.take().ValueOrDie().empty());
}

TEST_F(KeptColumnsTest, RefuseRowsOfOtherTypes) {
  const auto types = kept_types();
  auto writer =
      open_writer({.path = folder_ / "o.parquet"}, batch_of(types[0])->schema(), kNumbered, {}, STDOUT_FILENO);
  const auto written = (*writer)->write(kept_rows(batch_of(types[1]), 0, 1), numbers(0, 1));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, testing::HasSubstr("column 'kept' was bool and now is int8"));
}

TEST_F(KeptColumnsTest, RefuseARowBeyondTheBatch) {
  const auto batch = batch_of(kept_types()[0]);
  auto writer = open_writer({.path = folder_ / "o.parquet"}, batch->schema(), kNumbered, {}, STDOUT_FILENO);
  EXPECT_FALSE((*writer)->write(kept_rows(batch, 4, 5), numbers(0, 1)));
}

}  // namespace
}  // namespace llama::internal
