#include "read/json_lines_source.h"

#include <arrow/array.h>
#include <arrow/table.h>

#include <algorithm>
#include <format>
#include <set>

#include "read/arrow_error.h"
#include "read/batch_view.h"
#include "read/json_structure.h"
#include "read/sql_text.h"
#include "read/text_lines_source.h"

namespace llama::internal {
namespace {

constexpr std::int64_t kFirstObjects = 20'000;
constexpr const char* kNoJson = "NOT json_valid(text)";

// What values one key has, as DuckDB names them.
struct JsonKey {
  std::string name;
  std::set<std::string> types;
};

// DuckDB's type of a value, but for whole numbers that are no BIGINT.
std::string type_at(std::string_view pointer) {
  return std::format(
      "CASE WHEN json_type(text, {0}) = 'UBIGINT' AND TRY_CAST(json_extract_string(text, {0}) AS BIGINT) IS NULL "
      "THEN 'LARGE' ELSE json_type(text, {0}) END",
      pointer);
}

struct JsonColumn {
  std::string expression;
  std::string types;      // that it takes, as SQL: 'BIGINT', 'UBIGINT'; "" any
  bool is_small = false;  // it takes no LARGE
};

JsonColumn column_of(const JsonKey& key, bool is_wanted) {
  const auto only = [&](std::initializer_list<std::string_view> types) {
    return std::ranges::all_of(key.types, [&](const std::string& type) { return std::ranges::contains(types, type); });
  };
  const std::string text = std::format("json_extract_string(text, {})", json_pointer(key.name));
  const auto cast = [&](std::string_view type) { return std::format("CAST({} AS {})", text, type); };
  const bool has_value = !key.types.empty();
  if (has_value && only({"BIGINT", "UBIGINT"})) return {cast("BIGINT"), "'BIGINT', 'UBIGINT'", true};
  if (has_value && only({"UBIGINT", "LARGE"})) return {cast("UBIGINT"), "'UBIGINT'"};
  if (key.types.contains("DOUBLE") && only({"BIGINT", "UBIGINT", "LARGE", "DOUBLE"}))
    return {cast("DOUBLE"), "'BIGINT', 'UBIGINT', 'DOUBLE'"};
  if (has_value && only({"BOOLEAN"})) return {cast("BOOLEAN"), "'BOOLEAN'"};
  if (is_wanted) return {text, ""};
  if (has_value && only({"VARCHAR"})) return {text, "'VARCHAR'"};
  return {std::format("json_extract(text, {})::VARCHAR", json_pointer(key.name)), ""};
}

// The keys of the batch that is shown, in the order in which they come first.
Result<void> add_keys(DuckDatabase& database, std::vector<JsonKey>& keys, const std::stop_token& stop) {
  const auto answer = ask_shown(
      database,
      std::format(
          "SELECT key, list_sort(list(DISTINCT {})) FROM (SELECT *, '/' || replace(replace(key, '~', '~0'), '/', "
          "'~1') AS pointer FROM (SELECT text, row_of_the_batch AS row, unnest(json_keys(text)) AS key, "
          "generate_subscripts(json_keys(text), 1) AS place FROM rows_of_the_input)) GROUP BY key ORDER BY "
          "min((row, place))",
          type_at("pointer")),
      stop);
  if (!answer) return std::unexpected(answer.error());
  for (const auto& part : *answer) {
    const auto& names = static_cast<const arrow::StringArray&>(*part->column(0));
    const auto& types = static_cast<const arrow::ListArray&>(*part->column(1));
    for (std::int64_t i = 0; i < part->num_rows(); ++i) {
      auto known = std::ranges::find(keys, names.GetView(i), &JsonKey::name);
      if (known == keys.end()) known = keys.insert(keys.end(), {std::string(names.GetView(i)), {}});
      const auto of_key = std::static_pointer_cast<arrow::StringArray>(types.value_slice(i));
      for (std::int64_t t = 0; t < of_key->length(); ++t)
        if (of_key->IsValid(t) && of_key->GetView(t) != "NULL") known->types.insert(std::string(of_key->GetView(t)));
    }
  }
  return {};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

}  // namespace

// Shows the batch to DuckDB. InvalidText, naming the line, if one is no object or, with fits, none like the first.
Result<void> JsonLinesSource::check(const TableBatch& lines, const std::string& other, const std::stop_token& stop) {
  if (auto shown = show_batch(*database_, *lines.rows, stop); !shown) return shown;
  const auto answer = ask_shown(
      *database_,
      std::format(
          "SELECT row_of_the_batch, fault FROM (SELECT row_of_the_batch, CASE WHEN {} THEN 1 WHEN json_type(text) "
          "<> 'OBJECT' THEN 2 WHEN {} THEN 3 ELSE 0 END AS fault FROM rows_of_the_input) WHERE fault > 0 LIMIT 1",
          kNoJson, other),
      stop);
  if (!answer) return std::unexpected(answer.error());
  if (answer->empty()) return {};
  const auto& rows = static_cast<const arrow::Int64Array&>(*answer->front()->column(0));
  const auto& faults = static_cast<const arrow::Int32Array&>(*answer->front()->column(1));
  const std::string name = lines_->name_of(lines.numbers[static_cast<std::size_t>(rows.Value(0))]);
  switch (faults.Value(0)) {
    case 1:
      return fail(ErrorCode::InvalidText, name + ": broken JSON");
    case 2:
      return fail(ErrorCode::InvalidText, name + ": JSON that is no object");
    default:
      return fail(ErrorCode::InvalidText, name +
                                              ": a key or a type that the first objects do not have; a file may have "
                                              "it, for a file is read twice");
  }
}

Result<void> JsonLinesSource::look_at_first(const TableInput& input, const std::stop_token& stop) {
  std::vector<JsonKey> keys;
  for (std::int64_t looked = 0; looked < kFirstObjects;) {
    auto lines = lines_->next(stop);
    if (!lines) {
      if (first_.empty()) return std::unexpected(lines.error());
      break;  // it will be told again when these are handed out
    }
    const RowState state = lines->state;
    if (lines->rows->num_rows() > 0) {
      if (auto checked = check(*lines, "false", stop); !checked) return checked;
      if (auto added = add_keys(*database_, keys, stop); !added) return added;
    }
    looked += lines->rows->num_rows();
    first_.push_back(std::move(*lines));
    if (state == RowState::End || (state == RowState::Pause && looked > 0)) break;
  }
  std::ranges::reverse(first_);

  std::vector<std::string> names, tests;
  for (const JsonKey& key : keys) {
    const JsonColumn column = column_of(key, std::ranges::contains(input.columns, key.name));
    expressions_.push_back(std::format("{} AS {}", column.expression, sql_name(key.name)));
    names.push_back(sql_string(key.name));
    const std::string pointer = json_pointer(key.name);
    const std::string type = column.is_small ? type_at(pointer) : std::format("json_type(text, {})", pointer);
    if (!column.types.empty())
      tests.push_back(std::format("coalesce({}, 'NULL') NOT IN ('NULL', {})", type, column.types));
  }
  other_ = std::format("NOT list_has_all([{}]::VARCHAR[], json_keys(text))", joined(names));
  for (const std::string& test : tests) other_ += " OR " + test;
  return {};
}

Result<std::unique_ptr<BatchSource>> JsonLinesSource::open(std::unique_ptr<BatchSource> lines,
                                                           std::unique_ptr<DuckDatabase> database,
                                                           const TableInput& input, const std::stop_token& stop) {
  std::unique_ptr<JsonLinesSource> source(new JsonLinesSource());
  source->lines_ = std::move(lines);
  source->database_ = std::move(database);
  if (auto looked = source->look_at_first(input, stop); !looked) return std::unexpected(looked.error());
  if (source->expressions_.empty()) return fail(ErrorCode::InvalidText, "the input holds no JSON objects");
  source->selected_ = std::format("SELECT {} FROM rows_of_the_input", joined(source->expressions_));
  auto none = arrow::RecordBatch::MakeEmpty(source->lines_->schema());
  if (!none.ok()) return arrow_read_failure(none.status(), "the input");
  if (auto shown = show_batch(*source->database_, **none, stop); !shown) return std::unexpected(shown.error());
  const auto query = source->database_->prepare(source->selected_, stop);
  if (!query) return std::unexpected(query.error());
  source->schema_ = (*query)->schema();
  return source;
}

Result<void> JsonLinesSource::start(const Selection& selection, const std::stop_token&) {
  std::vector<std::string> chosen;
  for (const int column : selection.columns) chosen.push_back(expressions_[static_cast<std::size_t>(column)]);
  selected_ = std::format("SELECT {} FROM rows_of_the_input", joined(chosen));
  return {};
}

Result<TableBatch> JsonLinesSource::typed(TableBatch lines, const std::stop_token& stop) {
  if (lines.rows == nullptr || lines.rows->num_rows() == 0) {
    lines.rows.reset();
    return lines;
  }
  if (auto checked = check(lines, other_, stop); !checked) return std::unexpected(checked.error());
  const auto parts = ask_shown(*database_, selected_, stop);
  if (!parts) return std::unexpected(parts.error());
  const auto table = arrow::Table::FromRecordBatches(*parts);
  if (!table.ok()) return arrow_read_failure(table.status(), "the input");
  auto rows = (*table)->CombineChunksToBatch();
  if (!rows.ok()) return arrow_read_failure(rows.status(), "the input");
  lines.rows = std::move(*rows);
  return lines;
}

Result<TableBatch> JsonLinesSource::next(const std::stop_token& stop) {
  if (!first_.empty()) {
    TableBatch lines = std::move(first_.back());
    first_.pop_back();
    return typed(std::move(lines), stop);
  }
  auto lines = lines_->next(stop);
  if (!lines) return lines;
  return typed(std::move(*lines), stop);
}

}  // namespace llama::internal
