// Write completion scripts for shells, and the manual page, from what the commands say of themselves.
#pragma once

#include <string>

#include "command.h"
#include "command_line.h"

namespace llama {

// `llama-cli completion bash|zsh|fish`, `llama-cli manual`. program: with all commands, these too; asked for when the
// command runs.
[[nodiscard]] Command completion_command(const std::function<const Program&()>& program);
[[nodiscard]] Command manual_command(const std::function<const Program&()>& program);

[[nodiscard]] std::string bash_completion(const Program& program);
[[nodiscard]] std::string zsh_completion(const Program& program);
[[nodiscard]] std::string fish_completion(const Program& program);
[[nodiscard]] std::string manual_page(const Program& program);  // roff, section 1

}  // namespace llama
