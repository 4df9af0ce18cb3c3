#include "plugin_path.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

// Reads a hexadecimal number off the front of `text`, and the character after it.
std::uintptr_t take_number(std::string_view& text) {
  std::uintptr_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return number;
}

// The file that holds this function: not /proc/self/exe, which is the loader's file where a bundle's script starts the
// program through its own loader, and the interpreter's where this library is part of a module.
fs::path file_of_this_code() {
  std::ifstream maps("/proc/self/maps");
  return mapped_file(maps, reinterpret_cast<std::uintptr_t>(&file_of_this_code));
}

}  // namespace

// Source   proc(5): "address perms offset dev inode pathname" in each line, the pathname after spaces.
fs::path mapped_file(std::istream& maps, std::uintptr_t address) {
  for (std::string line; std::getline(maps, line);) {
    std::string_view rest = line;
    const std::uintptr_t begin = take_number(rest), end = take_number(rest);
    if (address < begin || address >= end) continue;
    const std::size_t path = line.find('/');
    return path == std::string::npos ? fs::path() : fs::path(line.substr(path));
  }
  return {};
}

std::optional<fs::path> find_plugin() {
  if (const char* path = std::getenv("GGML_PACKED_PATH"); path != nullptr && *path != '\0') return path;
  const fs::path folder = file_of_this_code().parent_path();
  std::error_code error;
  for (const fs::path& place : {folder, folder.parent_path() / PACKED_LIBRARY_FOLDER,
                                folder.parent_path() / "lib" / "llama-cli", fs::path(PACKED_INSTALLED)}) {
    const fs::path path = place / PACKED_NAME;
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
  fs::path folder = file_of_this_code().parent_path();
  if (!holds_back_ends(folder)) return std::nullopt;
  return folder;
}

}  // namespace llama::internal
