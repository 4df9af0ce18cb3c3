// The devices command: what can compute.
#pragma once

#include "command.h"

namespace llama {

[[nodiscard]] Command devices_command();

}  // namespace llama
