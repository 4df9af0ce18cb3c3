#include "llama-base/own_file.h"

#include <dlfcn.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

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

// dladdr() names a shared library by its path, but on Linux the program by its argv[0], which may be any text. The
// auxiliary vector has the program's path; a loader that was started by hand corrects both entries.
std::filesystem::path loaded_file() {
  Dl_info own{};
  if (dladdr(reinterpret_cast<const void*>(&own_file), &own) == 0) return {};
  const char* path = own.dli_fname;
#ifdef __linux__
  Dl_info program{};
  // NOLINTBEGIN(performance-no-int-to-ptr): the auxiliary vector has addresses as numbers
  if (dladdr(reinterpret_cast<const void*>(getauxval(AT_PHDR)), &program) != 0 && program.dli_fbase == own.dli_fbase)
    path = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  // NOLINTEND(performance-no-int-to-ptr)
#endif
  if (path == nullptr) return {};
  std::error_code error;
  std::filesystem::path real = std::filesystem::canonical(path, error);
  return error ? std::filesystem::path() : real;
}

std::filesystem::path own_file() {
  std::ifstream maps("/proc/self/maps");
  std::filesystem::path file = mapped_file(maps, reinterpret_cast<std::uintptr_t>(&own_file));
  return file.empty() ? loaded_file() : file;
}

}  // namespace llama::internal
