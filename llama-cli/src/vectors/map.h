// The command map: what its flags say, and what runs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "command.h"
#include "interrupt.h"
#include "vectors/vectors.h"

namespace llama {

struct MapArguments : VectorArguments {
  std::optional<std::string> color_by, title;
  std::filesystem::path output = "map.html";
  std::optional<std::int32_t> sample;
  std::uint64_t seed = 1;
  std::int32_t neighbors = 15;
  bool force = false;
};

[[nodiscard]] Command map_command();
[[nodiscard]] int run_map(const MapArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
