// Write a shard's manifest as JSON, and read it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "llama-corpus/shard_manifest.h"

namespace llama::internal {

[[nodiscard]] std::string shard_manifest_text(const ShardManifest& manifest);
// Nothing where the text is no manifest, or one whose parts are not its shard's files in its own folder.
[[nodiscard]] std::optional<ShardManifest> parse_shard_manifest(std::string_view text);

// As it comes back when it was written: JSON has no bytes that are not UTF-8, and a path or a setting may have some.
[[nodiscard]] ShardManifest as_read_back(const ShardManifest& manifest);

}  // namespace llama::internal
