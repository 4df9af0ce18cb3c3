#include "plugin_path.h"

#include <cstdlib>
#include <string>
#include <system_error>

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

}  // namespace llama::internal
