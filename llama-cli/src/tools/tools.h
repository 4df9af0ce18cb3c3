// The tools command: what the servers of a config file offer, and one call by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "../command.h"
#include "../interrupt.h"

namespace llama {

struct ToolsArguments {
  std::filesystem::path config;
  std::string tool;                        // SERVER.TOOL, of a call
  std::string input;                       // its arguments, JSON; "-": standard input
  std::optional<std::int32_t> time_limit;  // seconds
  bool json = false;
  bool quiet = false;
};

[[nodiscard]] Command tools_command();

// Return the exit status (exit_status.h).
[[nodiscard]] int list_tools(const ToolsArguments& arguments, Interrupt& interrupt);
[[nodiscard]] int call_tool(const ToolsArguments& arguments, Interrupt& interrupt);

}  // namespace llama
