// Find the columns of JSON objects: merge what DuckDB says of the structure of each.
//
// Source   DuckDB's json_structure(): {"id":"UBIGINT","tags":["VARCHAR"],"at":{"x":"DOUBLE"}}. Its
//          json_group_structure(), which merges by itself, keeps memory for every value that it saw.
// Memory   that of the merged structure.
//
// A structure says UBIGINT of any whole number without a sign. Whether it fits a BIGINT only the object itself says.
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
  // Of integers: some are below zero, some from 2^63 to 2^64 - 1.
  bool has_negative = false, has_large = false;

  // Cost: members are looked for one by one; an object of more than 500 is Mixed, for its keys are data.
  void merge(JsonShape other);
  // Strings are VARCHAR, whatever they look like; what has no other type is JSON: so are integers that together need
  // more than 64 bits, and objects with names that differ only in capitals, which are one name to DuckDB.
  [[nodiscard]] std::string sql() const;
};

// Nothing where it cannot be read.
[[nodiscard]] std::optional<JsonShape> parse_json_structure(std::string_view structure);
// The same of an object that DuckDB has found to be JSON.
[[nodiscard]] std::optional<JsonShape> shape_of_json(std::string_view object);

// A path to a key as JSON Pointer has it (RFC 6901), as SQL.
[[nodiscard]] std::string json_pointer(std::string_view key);

}  // namespace llama::internal
