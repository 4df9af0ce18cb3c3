// Say what a shard has written, in a file beside its parts: whoever finds it knows that the shard is whole.
//
// It is written last, when all parts are on the disk, and atomically. Its name begins with a dot (as the journal's
// does), so that pyarrow, pandas, Spark and Hugging Face datasets read the folder of parts without it. Polars takes no
// folder that has any other file (2.1, hidden ones too): it is given FOLDER/*.parquet.
//
// Errors   NotFound, Io, NoSpace; Corrupt: not a manifest, or one that names files outside of its shard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "llama-base/error.h"
#include "llama-corpus/shard.h"

namespace llama {

struct ShardPart {
  std::string file;  // its name in the folder: begins with part_name() of the shard
  std::uint64_t rows = 0;
  std::uint64_t size_bytes = 0;
  friend bool operator==(const ShardPart&, const ShardPart&) = default;
};

// rows_in = embedded + null + skipped. Those of all shards add up to those of a run without shards.
struct ShardCounts {
  std::uint64_t rows_in = 0, embedded = 0, null = 0, skipped = 0;
  std::uint64_t rows_out = 0;  // in all parts
  friend bool operator==(const ShardCounts&, const ShardCounts&) = default;
};

struct ShardManifest {
  Shard shard;
  // What has to be the same in all shards of a run, for people to read where it is not. Settings: by the name that
  // people know them under ("--dtype", "float16"), without --shard. The fingerprint must be the same on every machine.
  std::vector<std::pair<std::string, std::string>> settings;
  std::string input, input_fingerprint;  // row_reader.h, InputIdentity
  std::string model;                     // its digest
  // Differs where a file of the input was written since, or is a copy that did not keep its time: what shards of
  // different machines need not have in common. "" where an older version wrote the manifest.
  std::string input_times{};
  // Of the texts that int8 scales are from (embed_job.h, calibration_digest()); "" where there are none, or where an
  // older version wrote the manifest: that goes with any.
  std::string calibration{};
  ShardCounts counts;
  std::vector<ShardPart> parts;  // in order
  friend bool operator==(const ShardManifest&, const ShardManifest&) = default;
};

// FOLDER/.part-00003-of-00008.json
[[nodiscard]] std::filesystem::path manifest_path(const std::filesystem::path& folder, const Shard& shard);

[[nodiscard]] Result<void> write_manifest(const std::filesystem::path& folder, const ShardManifest& manifest);
[[nodiscard]] Result<ShardManifest> read_manifest(const std::filesystem::path& folder, const Shard& shard);

// Before a shard's parts are written anew. It is no error where there is none.
[[nodiscard]] Result<void> remove_manifest(const std::filesystem::path& folder, const Shard& shard);

}  // namespace llama
