// The compare command: two files of vectors over the same texts.
#pragma once

#include <string>
#include <vector>

#include "command.h"
#include "console.h"
#include "llama-vectors/file_comparison.h"
#include "vectors/vectors.h"

namespace llama {

struct CompareArguments : VectorArguments {
  std::string other;
  std::int32_t sample = 1'000;
  std::uint64_t seed = 1;
  std::int32_t neighbours = 10;
  std::int32_t moved = 10;
};

[[nodiscard]] Command compare_command();

// Returns the exit status.
[[nodiscard]] int run_compare(const CompareArguments& arguments, const Interrupt& interrupt);

// What was found; `texts` are those of FileComparison::moved.
struct CompareResult {
  std::vector<std::string> differences;
  FileComparison found;
  std::vector<std::string> texts;
};

void print_comparison(const Console& console, const CompareResult& result);
[[nodiscard]] std::string json_of_comparison(const CompareResult& result);

}  // namespace llama
