// Find the line of broken JSON, for people: DuckDB's own number of a line may be one too high, and of an array it tells
// none.
//
// Cost     reads the files.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "read/database.h"

namespace llama::internal {

// The first line of files of one object a line that is no JSON: "file 'x.jsonl', line 17"; "" if all are.
[[nodiscard]] std::string find_broken_json_line(DuckDatabase& database, const std::vector<std::string>& files,
                                                const std::stop_token& stop);

// Of files of an array each, or of objects that go over lines: "file 'x.json', line 17: broken JSON: no comma between
// two objects"; "" if nothing is found.
[[nodiscard]] std::string find_broken_json_object(DuckDatabase& database, const std::vector<std::string>& files,
                                                  bool is_array, const std::stop_token& stop);

// The first of files of an array each that ends without its "]"; "" if all have it. DuckDB says nothing of one that was
// cut short after a comma.
[[nodiscard]] Result<std::string> find_open_array(const std::vector<std::string>& files, const std::stop_token& stop);

}  // namespace llama::internal
