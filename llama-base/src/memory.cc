#include "llama-base/memory.h"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace llama::internal {

std::optional<std::uint64_t> available_memory() {
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kName = "MemAvailable:";
    if (!line.starts_with(kName)) continue;
    std::uint64_t kilobytes = 0;
    if (std::istringstream(line.substr(kName.size())) >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

}  // namespace llama::internal
