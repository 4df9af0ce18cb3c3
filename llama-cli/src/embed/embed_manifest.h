// What the manifest of a shard says of this run (llama-corpus/shard_manifest.h).
#pragma once

#include "console.h"
#include "embed/embed_arguments.h"
#include "embed/embed_input.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/shard_manifest.h"
#include "llama-embedding/embedding_model.h"
#include "llama-table/row_reader.h"

namespace llama {

// What is known before the shard is computed: all but counts and parts. Shards are computed on different machines,
// where a model lies elsewhere and has other times: its content tells (llama-loader/multipart.h).
//
// Errors   NotFound, Io, Cancelled; those of the calibration file as a text file.
// Cost     a local model's files are read once, about a second for a gigabyte that is in memory.
[[nodiscard]] Step<ShardManifest> plan_manifest(const JobOptions& options, const EmbedInput& input,
                                                const ModelMetadata& model);

[[nodiscard]] ShardManifest filled_manifest(ShardManifest manifest, const JobSummary& summary);

// Whether the shard of may_be_done() is (embed_output.h); then that is told, as JSON too where it was asked for. A
// scheduler gives the commands of all shards once more where one was killed: those that are done are not computed
// again. Of a manifest that does not say when its input was written (an older version's) the file's own time tells.
// Errors   it is of another run than `planned`, of the input as it was at another time, or not whole.
[[nodiscard]] Step<bool> is_done_shard(const EmbedArguments& arguments, const ShardManifest& planned,
                                       const InputIdentity& input, const Console& console);

}  // namespace llama
