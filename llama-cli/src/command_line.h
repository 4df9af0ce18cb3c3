// Read the program's arguments into the targets of its commands' flags.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "command.h"

namespace llama {

struct Program {
  std::string_view name, help;
  std::function<std::string()> version;
  std::vector<Command> commands;
};

// The command that the arguments name. Where there is none to run, because help or the version was asked for (and is
// printed) or the arguments are wrong (and standard error says how): the exit status.
[[nodiscard]] std::expected<const Command*, int> read_command_line(const Program& program, int argc, char** argv);

}  // namespace llama
