// The models command: what is in the cache, and what a repository offers.
#pragma once

#include "command.h"
#include "interrupt.h"
#include "loader_flags.h"

namespace llama {

enum class ModelsAction { List, Path, Pull, Verify, Remove, Prune };

struct ModelsArguments {
  ModelsAction action = ModelsAction::List;
  LoaderFlags loader;
  bool json = false;
  bool list_files = false;
  bool quiet = false;
};

[[nodiscard]] Command models_command();

// Returns the exit status (exit_status.h).
[[nodiscard]] int run_models(const ModelsArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
