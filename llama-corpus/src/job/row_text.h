// What the model reads for a row.
#pragma once

#include <string>
#include <string_view>

#include "job_row.h"
#include "llama-corpus/embed_job.h"

namespace llama::internal {

// The row with its text joined, and what it is: a text, empty, blank, or why it has none. Its pieces are the caller's.
// The cells of the text are moved from; those of the prompt stay.
[[nodiscard]] JobRow row_of(Row& row, const JobOptions& options);

// What is computed for a part of the row's text. Requires a row that row_of() says is a text.
[[nodiscard]] std::string prompted(std::string_view part, const Row& row, const JobOptions& options);

}  // namespace llama::internal
