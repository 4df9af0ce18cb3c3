// Find out which shards of a run a folder has, and what is wrong with the others.
//
// The run is the one that most of the folder's manifests tell of, the newest where two are equal; what belongs to
// another is foreign: its settings, input, model, calibration texts or number of shards differ.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llama-base/error.h"
#include "llama-corpus/shard_manifest.h"

namespace llama {

enum class ShardState {
  Whole,
  Missing,   // no manifest: never run, or not finished
  CutShort,  // a part is missing, has another size or other rows than the manifest says, or that cannot be read
  Foreign,   // in its place lies one of another run
};

struct CheckedShard {
  Shard shard;
  ShardState state = ShardState::Missing;
  std::string reason;                     // for people; empty where it is whole
  std::optional<ShardManifest> manifest;  // of whole ones
};

struct StrayFile {
  std::filesystem::path path;
  std::string reason;
};

struct ShardReport {
  std::vector<CheckedShard> shards;  // all of the run, in order
  // What is neither a whole shard's nor to be written again: parts that an earlier run of a whole shard has left, parts
  // and manifests of another number of shards, tables of other names. Whoever reads the folder as one table reads such
  // files too.
  std::vector<StrayFile> strays;
  ShardCounts counts;              // of the whole shards together
  std::vector<std::string> notes;  // for people: what is odd about whole shards, and may be right

  [[nodiscard]] bool has_all_shards() const;  // every one is whole
  [[nodiscard]] bool is_whole() const;        // and there are no strays
};

// rows_of: the rows that a part has, as its own file says (nothing: only its size is looked at).
//
// Errors   NotFound: no such folder; InvalidArgument: there is no shard in it; Io. What is wrong with a shard is in the
//          report.
[[nodiscard]] Result<ShardReport> check_shards(
    const std::filesystem::path& folder,
    const std::function<Result<std::uint64_t>(const std::filesystem::path& part)>& rows_of);

// One shard, beside what a run would write. Foreign: it is of another run than that (the reason says what differs), or
// of its input as it was at another time (ShardManifest::input_times).
// planned: what its manifest will say, without counts and parts.
//
// Errors   Io. A folder that is not there has no shard.
[[nodiscard]] Result<CheckedShard> check_shard(
    const std::filesystem::path& folder, const ShardManifest& planned,
    const std::function<Result<std::uint64_t>(const std::filesystem::path& part)>& rows_of);

// Before a shard is written: whether the folder has shards of another run, with which it could not be merged.
// planned: what its manifest will say, without counts and parts.
//
// Returns what is odd and may be right, for people: shards from an input that was written at another time.
// Errors   InvalidArgument: there are (says what differs, and the way out). A folder that is not there is none.
[[nodiscard]] Result<std::vector<std::string>> check_same_run(const std::filesystem::path& folder,
                                                              const ShardManifest& planned);

}  // namespace llama
