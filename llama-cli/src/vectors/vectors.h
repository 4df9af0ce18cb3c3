// The commands that look at vectors: what their flags say, and what runs them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "interrupt.h"
#include "loader_flags.h"

namespace llama {

struct VectorArguments {
  std::string file;  // or a folder, or a glob
  std::optional<std::string> vector_column, text_column;
  std::int32_t threads = 0;
  bool json = false;
  bool quiet = false;
};

struct InspectArguments : VectorArguments {
  std::int32_t sample = 2'000;
  bool check = false;
};

struct SearchArguments : VectorArguments {
  std::optional<std::string> query;
  std::optional<std::filesystem::path> queries;
  std::optional<std::uint64_t> like;
  std::uint64_t top = 10;
  std::string where;
  std::vector<std::string> columns;  // that come along
  bool index = false;
  std::optional<float> index_recall;
  // The model: nothing said, as the file says.
  LoaderFlags loader;
  std::optional<std::string> prompt, prompt_name;
  std::string task;
  std::optional<std::string> reranker;
  std::optional<std::uint64_t> rerank_top;
  std::filesystem::path output;  // "": standard output
  bool force = false;
};

[[nodiscard]] Command inspect_command();
[[nodiscard]] Command search_command();

[[nodiscard]] int run_inspect(const InspectArguments& arguments, const Interrupt& interrupt);
[[nodiscard]] int run_search(const SearchArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
