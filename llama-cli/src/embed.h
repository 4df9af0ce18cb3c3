// The embed command: texts from a file, vectors into a Parquet file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "command.h"
#include "interrupt.h"
#include "loader_flags.h"

namespace llama {

struct EmbedArguments {
  LoaderFlags loader;
  std::filesystem::path input;
  std::filesystem::path output;
  std::int32_t batch_size = 32;
  std::int32_t token_budget = 0;
  bool no_bf16_copy = false;
  bool normalize = false;
  std::optional<std::int32_t> max_length;
  std::optional<std::string> pooling;
  std::string tokenizer = "published";
  std::string special_tokens = "parse";
  std::string on_error = "continue";
  std::int32_t threads = 0;
  bool force = false;
  bool quiet = false;
  bool debug = false;
};

[[nodiscard]] Command embed_command();

// Returns the exit status (exit_status.h).
[[nodiscard]] int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
