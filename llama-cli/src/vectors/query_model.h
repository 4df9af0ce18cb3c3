// Embed queries as a file's texts were: with its model, its settings, and the query's own prompt.
#pragma once

#include <string>
#include <vector>

#include "console.h"
#include "llama-vectors/vector_file.h"
#include "vectors/vectors.h"

namespace llama {

// Loads the model that the arguments name, else the one that the file names.
[[nodiscard]] Step<std::vector<std::vector<float>>> embed_queries(const SearchArguments& arguments,
                                                                  const VectorFile& file,
                                                                  const std::vector<std::string>& queries,
                                                                  const Interrupt& interrupt, const Console& console);

}  // namespace llama
