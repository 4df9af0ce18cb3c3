// The vectors of a search's queries: of texts with the model that the file names, or of a row.
#pragma once

#include <string>
#include <vector>

#include "console.h"
#include "llama-vectors/vector_file.h"
#include "vectors/vectors.h"

namespace llama {

struct SearchQueries {
  std::vector<std::string> texts;  // for people: the query, "row 17"
  std::vector<std::vector<float>> vectors;
};

[[nodiscard]] Step<SearchQueries> find_queries(const SearchArguments& arguments, const VectorFile& file,
                                               const Interrupt& interrupt, const Console& console);

}  // namespace llama
