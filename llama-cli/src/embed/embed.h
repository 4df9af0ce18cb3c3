// The embed command: texts of any table in, vectors out.
#pragma once

#include "command.h"
#include "embed/embed_arguments.h"
#include "interrupt.h"

namespace llama {

[[nodiscard]] Command embed_command();

// Returns the exit status (exit_status.h).
[[nodiscard]] int run_embed(const EmbedArguments& arguments, const Interrupt& interrupt);

}  // namespace llama
