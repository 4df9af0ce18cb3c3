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

[[nodiscard]] VectorFormat choose_vectors(const OutputArguments& arguments);

}  // namespace llama
