// The shards command: what the shards of a run have written, and one file of them.
#pragma once

#include <filesystem>
#include <optional>

#include "command.h"
#include "interrupt.h"

namespace llama {

struct ShardsArguments {
  std::filesystem::path folder;
  std::optional<std::filesystem::path> merge;
  bool force = false;
  bool json = false;
  bool quiet = false;
};

[[nodiscard]] Command shards_command();

// Returns the exit status (exit_status.h): kInputError where a shard is not whole.
[[nodiscard]] int run_shards(const ShardsArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
