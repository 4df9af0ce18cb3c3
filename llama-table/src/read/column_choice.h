// Choose the columns whose cells are wanted, and those that go along.
//
// Errors   InvalidArgument: a column that is not there (names those that are and the nearest), one that is no text,
//          none or several that could be meant.
// Pure.
#pragma once

#include <arrow/type.h>

#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/table_reader.h"

namespace llama::internal {

struct ColumnChoice {
  std::vector<int> wanted;         // indexes of the schema: TableInput's columns, then its prompt columns
  std::vector<int> kept;           // rising
  std::vector<std::string> names;  // of the wanted ones
};

// Is a column text: strings of any width, a dictionary of them, nothing but nulls?
[[nodiscard]] bool is_text_type(const arrow::DataType& type);

// What can be told before the types are known: every column that is named is there.
[[nodiscard]] Result<void> check_names(const std::vector<std::string>& names, const TableInput& input);

[[nodiscard]] Result<ColumnChoice> choose_columns(const arrow::Schema& schema, const TableInput& input);

// The one column of this name.
[[nodiscard]] Result<int> find_column(const arrow::Schema& schema, std::string_view name);

// Which of the names is meant by a wrong one? "" where none is near.
[[nodiscard]] std::string nearest_name(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace llama::internal
