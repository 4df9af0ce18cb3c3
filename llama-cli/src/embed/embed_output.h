// What the embed command writes, and under which names.
#pragma once

#include "console.h"
#include "embed/embed_arguments.h"
#include "embed/embed_input.h"
#include "llama-corpus/embed_job.h"
#include "llama-table/table_writer.h"

namespace llama {

// What can be known to be wrong before the model loads. No file that the run reads or keeps may be replaced.
[[nodiscard]] Step<TableOutput> choose_output(const EmbedArguments& arguments, const Shard& shard,
                                              const InputIdentity& input, const ModelSource& model);

// This shard's manifest lies in the folder, and neither --force nor an interrupted run says that it is to be written
// again: it may be done (llama-corpus/shard_check.h, check_shard()). Such an output is not refused by choose_output().
[[nodiscard]] bool may_be_done(const EmbedArguments& arguments, const Shard& shard, const InputIdentity& input);

// The computed columns' names, and those of kept columns that have to make room: NAME becomes NAME_input. Capitals make
// no difference, for they make none to DuckDB and Spark.
struct OutputNames {
  OutputColumns columns;
  std::vector<std::pair<std::string, std::string>> renamed;
  std::vector<std::pair<std::string, std::string>> alike;  // kept columns that differ only in capitals
};
[[nodiscard]] OutputNames choose_names(const EmbedArguments& arguments, const EmbedInput& input);
// Errors   the text's column is called as one of ours.
[[nodiscard]] Step<void> check_names(const OutputColumns& columns);

// Of one file of such vectors so many rows are taken by readers that count a column's values in 31 bits
// (TableOutput::max_elements). Nothing: that does not matter to a folder of parts, to a stream and to the plain call.
[[nodiscard]] std::optional<std::uint64_t> most_rows(const EmbedArguments& arguments, const Shard& shard,
                                                     const EmbeddingModel& model);
// An input of more is refused before the run. Where nobody knows how many rows come, the file becomes as large as it
// must, and the end says so (tell_of_rows()): most readers take it, and hours of work are not lost.
[[nodiscard]] Step<void> check_rows(const EmbedInput& input, std::optional<std::uint64_t> most);
void tell_of_rows(std::uint64_t rows, std::optional<std::uint64_t> most);

// A run that has opened this output has failed and left no journal: whoever gives the same command again begins anew.
// What was written of an interrupted one is removed, as it is of a single file; otherwise whole parts stay, for what
// came through a pipe may not come again, and the error tells.
[[nodiscard]] Error leave_parts(Error error, const TableOutput& output);

[[nodiscard]] VectorFormat choose_vectors(const OutputArguments& arguments);

}  // namespace llama
