// Start llama.cpp's back ends (CPU variants, GPUs) once per process.
#pragma once

#include <filesystem>
#include <optional>

#include "llama-base/error.h"

namespace llama {

// Load every back end that the machine can run.
//
// directory  where the back-end libraries lie; without it the folder of the program's own file, if they lie there (a
//            bundle), or else llama.cpp's install folder.
// Errors   Internal when no CPU back end could be loaded.
// Threads  any; the first call decides the folder, later calls return its result.
[[nodiscard]] Result<void> start_backends(const std::optional<std::filesystem::path>& directory = std::nullopt);

}  // namespace llama
