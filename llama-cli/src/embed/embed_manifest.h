// What the manifest of a shard says of this run (llama-corpus/shard_manifest.h).
#pragma once

#include <stop_token>
#include <string>

#include "console.h"
#include "embed/embed_arguments.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/shard_manifest.h"
#include "llama-embedding/embedding_model.h"
#include "llama-table/row_reader.h"

namespace llama {

// Shards are computed on different machines, where a model lies elsewhere and has other times: its content tells. Of a
// split model, the first file's.
//
// Errors   NotFound, Io, Cancelled.
// Cost     a local file is read once, about a second for a gigabyte that is in memory.
[[nodiscard]] Result<std::string> digest_of_model(const ModelMetadata& model, const std::stop_token& stop);

// What is known before the shard is computed: all but counts and parts.
[[nodiscard]] ShardManifest plan_manifest(const JobOptions& options, const InputIdentity& input,
                                          std::string model_digest);

[[nodiscard]] ShardManifest filled_manifest(ShardManifest manifest, const JobSummary& summary);

// Whether the shard of may_be_done() is (embed_output.h); then that is told, as JSON too where it was asked for. A
// scheduler gives the commands of all shards once more where one was killed: those that are done are not computed
// again.
// Errors   it is of another run than `planned`, or not whole.
[[nodiscard]] Step<bool> is_done_shard(const EmbedArguments& arguments, const ShardManifest& planned,
                                       const Console& console);

}  // namespace llama
