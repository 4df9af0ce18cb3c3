// What the shards command says of a folder.
#pragma once

#include "console.h"
#include "llama-corpus/shard_check.h"

namespace llama {

void print_shards(const ShardReport& report, const Console& console);

// Errors   those of standard output.
[[nodiscard]] Result<void> print_shards_json(const ShardReport& report);

}  // namespace llama
