#include "llama-base/own_file.h"

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>

namespace llama::internal {
namespace {

// Reads a hexadecimal number off the front of `text`, and the character after it.
std::uintptr_t take_number(std::string_view& text) {
  std::uintptr_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) text.remove_prefix(1);
  return number;
}

}  // namespace

// "address perms offset dev inode pathname" in each line, the pathname after spaces.
std::filesystem::path mapped_file(std::istream& maps, std::uintptr_t address) {
  for (std::string line; std::getline(maps, line);) {
    std::string_view rest = line;
    const std::uintptr_t begin = take_number(rest), end = take_number(rest);
    if (address < begin || address >= end) continue;
    const std::size_t path = line.find('/');
    return path == std::string::npos ? std::filesystem::path() : std::filesystem::path(line.substr(path));
  }
  return {};
}

std::filesystem::path own_file() {
  std::ifstream maps("/proc/self/maps");
  return mapped_file(maps, reinterpret_cast<std::uintptr_t>(&own_file));
}

}  // namespace llama::internal
