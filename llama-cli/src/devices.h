// The devices command: what can compute.
#pragma once

namespace llama {

// Returns the exit status (exit_status.h).
[[nodiscard]] int run_devices(bool as_json);

}  // namespace llama
