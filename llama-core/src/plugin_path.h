// Where the plug-in with our kernels lies.
//
// Threads  any.
#pragma once

#include <filesystem>
#include <optional>

namespace llama::internal {

// Looked for in this order: what the environment's GGML_PACKED_PATH names; beside the file that holds this library's
// code, which is the program or a shared library of somebody's; where that file's `lib` is beside its `bin`; where it
// is installed. Build trees and bundles are found wherever they were moved to.
//
// Errors   nullopt: in none of these. What the environment names is taken as it is, there or not.
[[nodiscard]] std::optional<std::filesystem::path> find_plugin();

}  // namespace llama::internal
