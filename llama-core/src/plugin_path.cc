#include "plugin_path.h"

#include <cstdlib>
#include <string>

#include "llama-base/own_file.h"

namespace llama::internal {
namespace fs = std::filesystem;

std::optional<fs::path> find_plugin() {
  if (const char* path = std::getenv("GGML_PACKED_PATH"); path != nullptr && *path != '\0') return path;
  const fs::path folder = own_file().parent_path();
  std::error_code error;
  for (const fs::path& place : {folder, folder.parent_path() / PACKED_LIBRARY_FOLDER,
                                folder.parent_path() / "lib" / "llama-cli", fs::path(PACKED_INSTALLED)}) {
    fs::path path = place / PACKED_NAME;
    if (path.is_absolute() && fs::exists(path, error)) return path;
  }
  return std::nullopt;
}

// Source   ggml-backend-reg.cpp, ggml_backend_load_best(): "libggml-cpu-" and the level of the CPU.
bool holds_back_ends(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with("libggml-cpu-")) return true;
  }
  return false;
}

std::optional<fs::path> find_back_ends() {
  fs::path folder = own_file().parent_path();
  if (!holds_back_ends(folder)) return std::nullopt;
  return folder;
}

}  // namespace llama::internal
