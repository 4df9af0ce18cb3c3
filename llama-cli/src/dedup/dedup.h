// The dedup command: groups of rows whose vectors point nearly the same way.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "command.h"
#include "vectors/vectors.h"

namespace llama {

struct DedupArguments : VectorArguments {
  std::optional<float> threshold, recall;
  std::uint64_t seed = 1;
  std::filesystem::path output;
  bool drop = false;
  bool force = false;
  std::optional<std::uint64_t> split_rows;
  std::string memory = "1GB";
};

[[nodiscard]] Command dedup_command();

// Returns the exit status.
[[nodiscard]] int run_dedup(const DedupArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
