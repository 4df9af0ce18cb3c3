// The rows that the embed command reads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "console.h"
#include "embed/embed_arguments.h"
#include "interrupt.h"
#include "llama-corpus/prompt.h"
#include "llama-corpus/shard.h"
#include "llama-embedding/text_file.h"
#include "llama-embedding/text_source.h"
#include "llama-table/row_reader.h"

namespace llama {

struct EmbedInput {
  std::unique_ptr<RowReader> reader;
  TextFile* file = nullptr;        // the reader's, where it is a text file
  std::optional<TextCount> texts;  // of a text file that could be counted: its rows, and their bytes
  std::optional<std::uint64_t> rows;
  std::size_t text_columns = 1;                   // the first cells of a row; then those of the prompt
  std::string text_name = "text";                 // of the output's column
  std::vector<std::shared_ptr<const void>> uses;  // of files in the cache: it keeps them meanwhile
  std::map<std::string, std::string> digests;     // of those files, by path: their times mean nothing
  double share = 1;  // of the input's bytes that are read: less than all where a dry run takes a sample of a data set
};

// prompt: whose columns are wanted too.
[[nodiscard]] Step<EmbedInput> open_input(const EmbedArguments& arguments, const std::optional<PromptTemplate>& prompt,
                                          const Interrupt& interrupt, const Console& console);

// Reads what has to be read to know `texts` and `rows`, where that can be known.
[[nodiscard]] Step<void> count_rows(EmbedInput& input, const Interrupt& interrupt, const Console& console);

// Of `rows` those of this shard. About, where some lines of a text file or rows of a table are left out, for shards go
// by the numbers that lines and rows have.
[[nodiscard]] std::optional<std::uint64_t> rows_of_shard(const EmbedInput& input, const Shard& shard);

}  // namespace llama
