// Write the rows of a file of vectors with their groups, or those that are kept.
#pragma once

#include "console.h"
#include "dedup/dedup.h"
#include "llama-table/table_writer.h"
#include "llama-vectors/near_duplicates.h"
#include "llama-vectors/vector_file.h"

namespace llama {

// Whatever of the output can be known to fail, before the search.
[[nodiscard]] Step<void> check_dedup_output(const DedupArguments& arguments, const VectorFile& file);

// Every column as it is, then "group" and "kept"; columns of the input with these names are renamed, which is told.
[[nodiscard]] Step<TableSummary> write_groups(const DedupArguments& arguments, const VectorFile& file,
                                              const DuplicateGroups& groups, const Interrupt& interrupt);

}  // namespace llama
