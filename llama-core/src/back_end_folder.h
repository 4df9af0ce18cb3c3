// The folder that ggml's back ends lie in, and of its CPU back ends the one for this CPU.
//
// ggml's own search looks into the working folder too, and runs what it finds there; and for each start it opens its
// back ends for all CPUs, 14 on x86-64, to ask each how well it suits: 10 to 20 ms.
//
// Threads  any.
// Source   ggml-backend-reg.cpp, ggml_backend_load_best(): "libggml-cpu-" and the level of the CPU.
#pragma once

#include <filesystem>
#include <optional>

namespace llama::internal {

// Beside the file that holds this library's code, as in a bundle; or else in `ggml/backends0` beside ggml's own
// library, as Debian has them.
//
// Errors   nullopt: in neither. ggml may know.
[[nodiscard]] std::optional<std::filesystem::path> find_back_ends();
// Whether a folder has back ends for CPUs.
[[nodiscard]] bool holds_back_ends(const std::filesystem::path& folder);

// The library that ggml would choose in a folder whose only back ends are for x86-64 CPUs, each of a level that is
// known here. They are opened from the best level down until one suits: on a CPU with all of them that is one file.
//
// Errors   nullopt: the folder has others, as for a GPU, or none that can be opened and suits. ggml has to look itself.
[[nodiscard]] std::optional<std::filesystem::path> choose_cpu_back_end(const std::filesystem::path& folder);

}  // namespace llama::internal
