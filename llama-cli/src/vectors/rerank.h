// Order what a search has found by a model that reads the query and each text together.
#pragma once

#include <cstdint>
#include <optional>

#include "console.h"
#include "interrupt.h"
#include "llama-embedding/reranker.h"
#include "vectors/found_rows.h"
#include "vectors/query_vectors.h"

namespace llama {

// How many rows of each query the search has to find: with a reranker more than are shown.
[[nodiscard]] std::uint64_t rows_wanted(const SearchArguments& arguments);

// Before a model loads: there must be texts to read.
[[nodiscard]] Step<void> check_rerank(const SearchArguments& arguments, const FoundColumns& columns);

// Nothing where none is wanted.
[[nodiscard]] Step<std::optional<Reranker>> load_reranker(const SearchArguments& arguments, const Interrupt& interrupt,
                                                          const Console& console);

// The best rows of each query by the reranker's score, equal ones as the search had them. The query is the user's own,
// without the words that its vector was made with; of --like the row's text.
[[nodiscard]] Step<FoundHits> rerank(Reranker& reranker, const SearchArguments& arguments, const VectorFile& file,
                                     const SearchQueries& queries, const SearchAnswer& answer,
                                     const FoundColumns& columns, const Interrupt& interrupt, const Console& console);

}  // namespace llama
