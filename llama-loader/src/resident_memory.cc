#include "resident_memory.h"

#include <unistd.h>

#include <cstdlib>

#include "llama-base/disk.h"

namespace llama::internal {

std::uint64_t resident_memory() {
  // Pages: all, resident, …
  const std::string text = read_small_file("/proc/self/statm", 256);
  const std::size_t second = text.find(' ');
  if (second == std::string::npos) return 0;
  return std::strtoull(text.c_str() + second, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace llama::internal
