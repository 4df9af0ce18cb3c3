// Find the columns of JSON objects: merge what DuckDB says of the structure of each.
//
// Source   DuckDB's json_structure(): {"id":"UBIGINT","tags":["VARCHAR"],"at":{"x":"DOUBLE"}}. Its
//          json_group_structure(), which merges by itself, keeps memory for every value that it saw.
// Memory   that of the merged structure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

// What the values of one place are: nothing yet (null), a scalar of one type, an object, an array, or several of these.
struct JsonShape {
  enum class Kind { Null, Integer, Number, Boolean, Text, Object, Array, Mixed };
  Kind kind = Kind::Null;
  // Of an object, in the order in which they came first. Not pairs: clang cannot destroy pairs of what is being
  // defined.
  std::vector<std::string> names;
  std::vector<JsonShape> members;
  std::unique_ptr<JsonShape> element;  // of an array; nothing: all were empty

  // Cost: members are looked for one by one; an object of more than 500 is Mixed, for its keys are data.
  void merge(JsonShape other);
  // Strings are VARCHAR, whatever they look like; what has no other type is JSON.
  [[nodiscard]] std::string sql() const;
};

// Nothing where it cannot be read.
[[nodiscard]] std::optional<JsonShape> parse_json_structure(std::string_view structure);

}  // namespace llama::internal
