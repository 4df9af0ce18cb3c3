// Read the lines of a text file as rows of one cell: the plain call's input (llama-embedding/text_file.h).
#pragma once

#include <memory>

#include "llama-embedding/text_source.h"
#include "llama-table/row_reader.h"

namespace llama {

// Rows have the source's numbers; nothing is kept. identity: of the file, as the caller knows it.
[[nodiscard]] std::unique_ptr<RowReader> make_text_rows(std::unique_ptr<TextSource> source, InputIdentity identity);

}  // namespace llama
