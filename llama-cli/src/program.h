// Run a program that is a list of commands: llama-cli, or one with a part of its commands.
#pragma once

#include <vector>

#include "command.h"

namespace llama {

// Reads the arguments, runs the command that they name and returns the exit status (exit_status.h). Adds the commands
// that list the others: completion, manual. Errors that nobody caught are printed, and are kInternalError.
[[nodiscard]] int run_program(std::vector<Command> (*commands)(), int argc, char** argv);

}  // namespace llama
