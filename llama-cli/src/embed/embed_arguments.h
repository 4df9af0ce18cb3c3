// What the embed command's flags say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loader_flags.h"

namespace llama {

struct InputArguments {
  std::vector<std::string> paths;
  std::optional<std::string> query;
  std::vector<std::string> attach;
  std::optional<std::string> format;
  std::vector<std::string> columns;
  std::optional<std::string> join;
  std::optional<std::string> id;
  std::optional<std::string> keep;
  std::optional<std::string> where;
  std::optional<std::uint64_t> limit;
};

struct OutputArguments {
  std::filesystem::path path;
  std::optional<std::string> format;
  std::optional<std::uint64_t> split_rows;
  std::optional<std::string> split_size;
  std::string dtype = "float32";
  std::optional<std::filesystem::path> calibration;
  std::optional<std::int32_t> dimensions;
  bool force_dimensions = false;
  std::optional<std::string> compression;
  std::int32_t row_group = 10'000;
  std::optional<std::string> text_as;
  std::vector<std::string> with;
  bool force = false;
};

struct EmbedArguments {
  std::string config;  // the file of --config, which has been read
  LoaderFlags loader;
  InputArguments input;
  OutputArguments output;

  // What the model reads.
  std::optional<std::string> prompt_name;
  std::optional<std::string> prompt;
  std::string task;
  std::optional<std::int32_t> max_length;
  std::string on_long = "truncate";
  std::optional<std::int32_t> chunk_tokens;
  std::int32_t chunk_overlap = 0;
  std::string special_tokens = "parse";
  std::string tokenizer = "published";

  // How it computes.
  std::int32_t batch_size = 32;
  std::int32_t token_budget = 0;
  bool normalize = false;
  std::optional<std::string> pooling;
  std::int32_t threads = 0;
  std::int32_t lanes = 0;
  bool no_bf16_copy = false;

  // The run.
  std::string on_error = "continue";
  std::optional<std::string> shard;
  std::optional<std::filesystem::path> vector_store;
  bool restart = false;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
  bool debug = false;
};

// A text file in, the specification's five columns out: nothing was asked for that needs a table.
[[nodiscard]] bool is_plain_input(const InputArguments& input);
[[nodiscard]] bool is_plain_output(const EmbedArguments& arguments);

// "500MB", "1.5GB", "20000000": powers of 1000.
// Errors   InvalidArgument.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

}  // namespace llama
