#include "read/column_choice.h"

#include <arrow/extension_type.h>

#include <algorithm>
#include <cctype>
#include <format>
#include <optional>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kMaxListedColumns = 20;

std::string in_lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Letters to change, add or leave out, and neighbours to swap (Damerau's distance, as optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxListedColumns); ++i)
    out += std::format("{}'{}'", i == 0 ? "" : ", ", names[i]);
  if (names.size() > kMaxListedColumns) out += std::format(" and {} more", names.size() - kMaxListedColumns);
  return out;
}

std::unexpected<Error> no_column(std::string_view name, const std::vector<std::string>& names) {
  std::string message = std::format("the input has no column '{}'; it has {}", name, listed(names));
  if (const std::string near = nearest_name(name, names); !near.empty())
    message += std::format("; did you mean '{}'?", near);
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

Result<int> find_text_column(const arrow::Schema& schema, std::string_view name) {
  const auto column = find_column(schema, name);
  if (!column || is_text_type(*schema.field(*column)->type())) return column;
  return fail(ErrorCode::InvalidArgument,
              std::format("column '{}' is of type {}, not text; a query can make text of it: SELECT CAST(\"{}\" AS "
                          "VARCHAR) AS text FROM …",
                          name, schema.field(*column)->type()->ToString(), name));
}

Result<int> only_text_column(const arrow::Schema& schema) {
  std::vector<std::string> texts;
  for (const auto& field : schema.fields())
    if (is_text_type(*field->type())) texts.push_back(field->name());
  if (texts.size() == 1) return find_column(schema, texts.front());
  if (std::ranges::count(texts, "text") == 1) return find_column(schema, "text");
  if (texts.empty())
    return fail(ErrorCode::InvalidArgument,
                std::format("the input has no column of text; it has {}", listed(schema.field_names())));
  return fail(ErrorCode::InvalidArgument,
              std::format("several columns may be the text; name one of {}", listed(texts)));
}

Result<std::vector<int>> kept_columns_of(const arrow::Schema& schema, const TableInput& input) {
  std::vector<bool> is_kept(static_cast<std::size_t>(schema.num_fields()), input.keep == Keep::All);
  std::vector<std::string> named = input.keep == Keep::Some ? input.keep_columns : std::vector<std::string>();
  if (input.id) named.push_back(*input.id);
  for (const std::string& name : named) {
    const auto column = find_column(schema, name);
    if (!column) return std::unexpected(column.error());
    is_kept[static_cast<std::size_t>(*column)] = true;
  }
  std::vector<int> kept;
  for (int i = 0; i < schema.num_fields(); ++i)
    if (is_kept[static_cast<std::size_t>(i)] && !std::ranges::contains(input.leave_out, schema.field(i)->name()))
      kept.push_back(i);
  return kept;
}

}  // namespace

Result<int> find_column(const arrow::Schema& schema, std::string_view name) {
  const std::vector<int> found = schema.GetAllFieldIndices(std::string(name));
  if (found.size() == 1) return found.front();
  if (found.size() > 1)
    return fail(ErrorCode::InvalidArgument, std::format("the input has {} columns '{}'", found.size(), name));
  return no_column(name, schema.field_names());
}

bool is_text_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
    case arrow::Type::NA:
      return true;
    case arrow::Type::DICTIONARY:
      return is_text_type(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::EXTENSION:  // JSON
      return is_text_type(*static_cast<const arrow::ExtensionType&>(type).storage_type());
    default:
      return false;
  }
}

std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names) {
  std::optional<std::pair<std::size_t, std::string>> nearest;
  for (const std::string& name : names) {
    const std::size_t distance = edit_distance(in_lower_case(wrong), in_lower_case(name));
    if (!nearest || distance < nearest->first) nearest = {distance, name};
  }
  const std::size_t near_enough = std::max<std::size_t>(1, wrong.size() / 3);
  return nearest && nearest->first <= near_enough ? nearest->second : "";
}

Result<void> check_names(const std::vector<std::string>& names, const TableInput& input) {
  std::vector<std::string> wanted = input.columns;
  wanted.insert(wanted.end(), input.prompt_columns.begin(), input.prompt_columns.end());
  if (input.keep == Keep::Some) wanted.insert(wanted.end(), input.keep_columns.begin(), input.keep_columns.end());
  if (input.id) wanted.push_back(*input.id);
  for (const std::string& name : wanted)
    if (!std::ranges::contains(names, name)) return no_column(name, names);
  return {};
}

Result<ColumnChoice> choose_columns(const arrow::Schema& schema, const TableInput& input) {
  ColumnChoice choice;
  for (const std::string& name : input.columns) {
    const auto column = find_text_column(schema, name);
    if (!column) return std::unexpected(column.error());
    choice.wanted.push_back(*column);
  }
  if (input.columns.empty()) {
    const auto column = only_text_column(schema);
    if (!column) return std::unexpected(column.error());
    choice.wanted.push_back(*column);
  }
  for (const std::string& name : input.prompt_columns) {
    const auto column = find_column(schema, name);
    if (!column) return std::unexpected(column.error());
    choice.wanted.push_back(*column);
  }
  for (const int column : choice.wanted) choice.names.push_back(schema.field(column)->name());
  auto kept = kept_columns_of(schema, input);
  if (!kept) return std::unexpected(kept.error());
  choice.kept = std::move(*kept);
  if (input.columns.empty()) std::erase(choice.kept, choice.wanted.front());
  return choice;
}

}  // namespace llama::internal
