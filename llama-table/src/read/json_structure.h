// Read what DuckDB says of the structure of JSON values, and make the columns of read_json() of it.
//
// Source   DuckDB's json_group_structure(): {"id":"UBIGINT","tags":["VARCHAR"],"at":{"x":"DOUBLE"}}; "JSON" for what is
//          of several types, "NULL" for what is always null.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llama::internal {

// Names and SQL types of the keys; nothing where the values are no objects. Strings are VARCHAR, whatever they look
// like; objects of very many keys are kept as JSON.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> json_columns(std::string_view structure);

}  // namespace llama::internal
