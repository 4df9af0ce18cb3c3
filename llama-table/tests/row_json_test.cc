#include "llama-table/row_json.h"

#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include "table_files.h"

namespace llama {
namespace {

Result<std::string> json_of_value(const std::shared_ptr<arrow::DataType>& type, std::string_view json) {
  const auto array = arrow::json::ArrayFromJSONString(type, std::format("[{}]", json)).ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("a", type)}), 1, {array});
  return json_of_row(std::make_shared<const internal::KeptRows>(batch), 0);
}

TEST(RowJson, WritesEachTypeAsJsonHasIt) {
  for (const auto& [type, value] : std::vector<std::pair<std::shared_ptr<arrow::DataType>, std::string>>{
           {arrow::int64(), "-9223372036854775808"},
           {arrow::uint64(), "18446744073709551615"},
           {arrow::int8(), "-5"},
           {arrow::float64(), "0.1"},
           {arrow::float32(), "0.1"},
           {arrow::float16(), "0.5"},
           {arrow::boolean(), "true"},
           {arrow::utf8(), R"("a \"quoted\" \\ é")"},
           {arrow::utf8_view(), R"("longer than what lies in a view")"},
           {arrow::null(), "null"},
           {arrow::int32(), "null"},
           {arrow::list(arrow::utf8()), R"(["a",null,""])"},
           {arrow::fixed_size_list(arrow::int16(), 2), "[1,2]"},
           {arrow::large_list(arrow::list(arrow::int8())), "[[1],[],null]"},
           {arrow::struct_({arrow::field("x", arrow::int8()), arrow::field("y", arrow::list(arrow::boolean()))}),
            R"({"x":1,"y":[false]})"}}) {
    const auto written = json_of_value(type, value);
    ASSERT_TRUE(written) << type->ToString();
    EXPECT_EQ(*written, std::format("{{\"a\":{}}}", value)) << type->ToString();
  }
}

TEST(RowJson, WritesAsTextWhatJsonHasNoWordFor) {
  EXPECT_EQ(json_of_value(arrow::date32(), "1").value(), R"({"a":"1970-01-02"})");
  EXPECT_EQ(json_of_value(arrow::decimal128(9, 2), R"("12.50")").value(), R"({"a":"12.50"})");
  EXPECT_EQ(json_of_value(arrow::float64(), "NaN").value(), R"({"a":null})");
  EXPECT_EQ(json_of_value(arrow::float64(), "-Inf").value(), R"({"a":null})");
  EXPECT_EQ(json_of_value(arrow::utf8(), R"("line\nbreak \u0001")").value(), R"({"a":"line\nbreak \u0001"})");
}

TEST(RowJson, OfNothingIsAnEmptyObject) { EXPECT_EQ(json_of_row(nullptr, 0).value(), "{}"); }

TEST(RowJson, RefusesWhatIsNotThereAndWhatIsNoText) {
  arrow::StringBuilder texts;
  must(texts.Append("\xff"));
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("a", arrow::utf8())}), 1, {texts.Finish().ValueOrDie()});
  const auto rows = std::make_shared<const internal::KeptRows>(batch);
  EXPECT_EQ(json_of_row(rows, 0).error().code, ErrorCode::InvalidText);
  EXPECT_EQ(json_of_row(rows, 1).error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
