// The quoted texts and names of a query, and which of them stand where DuckDB reads a file of that name.
//
// By their places among the words, because DuckDB's own parser shows no PIVOT and no ATTACH: after FROM, JOIN, ATTACH
// and their like, among the sources that commas separate, and anywhere in the brackets of a function that reads files
// (read_csv, sqlite_scan). A name that the query computes or keeps in a variable is not found.
//
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llama::internal {

struct QuotedText {
  std::string text;
  bool is_source = false;
};

[[nodiscard]] std::vector<QuotedText> texts_of_query(std::string_view sql);

}  // namespace llama::internal
