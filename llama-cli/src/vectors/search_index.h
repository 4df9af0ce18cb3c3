// The index of a search: the one that is kept beside the file, or one that is built now, and kept there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "console.h"
#include "llama-vectors/vector_index.h"
#include "vectors/vectors.h"

namespace llama {

// vectors.parquet -> vectors.parquet.hnsw, parts/ -> parts.hnsw: beside a folder, where none of its readers takes it
// for a part. Of another column than "embedding" its name stands before the ending.
[[nodiscard]] std::filesystem::path index_path(const std::string& file, std::string_view column);

// Before anything is read: a glob has no place for an index.
[[nodiscard]] Step<void> check_index_arguments(const SearchArguments& arguments);

// An index that is damaged, of another version or of what the file was before is told and built anew; one that cannot
// be written is used all the same, and told.
[[nodiscard]] Step<VectorIndex> open_index(const SearchArguments& arguments, const VectorFile& file,
                                           const Interrupt& interrupt, const Console& console);

// The breadth with which the wished share of the best rows is found; tells the share that is.
[[nodiscard]] std::size_t choose_breadth(const SearchArguments& arguments, const VectorIndex& index,
                                         const Console& console);

}  // namespace llama
