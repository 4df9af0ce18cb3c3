#include "format/available_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace ggml_packed {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMuch = std::uint64_t{1} << 60U;

// The number after a name, in lines of names and numbers.
std::optional<std::uint64_t> number_of(const fs::path& file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::uint64_t number = 0;
    if (words >> word && word == name && words >> number) return number;
  }
  return std::nullopt;
}

// Of a file that is one number; none of "max".
std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream text(file);
  std::uint64_t number = 0;
  return text >> number ? std::optional(number) : std::nullopt;
}

// The names of what the two versions of control groups say.
struct Groups {
  std::string_view controller, folder, limit, usage, inactive_files, active_files;
};
constexpr Groups kGroups[] = {{"", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file", "active_file"},
                              {"memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file", "total_active_file"}};

// The process's group of a controller, below the folder of all: "ID:CONTROLLERS:/PATH" in each line.
std::optional<fs::path> group_of_process(const fs::path& root, std::string_view controller) {
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(":/", first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (std::string_view(line).substr(first + 1, second - first - 1) == controller) return line.substr(second + 2);
  }
  return std::nullopt;
}

// Files that a group has in memory are given up before one of its processes is ended.
std::uint64_t left_to(const fs::path& group, const Groups& names) {
  const auto limit = number_in(group / names.limit), usage = number_in(group / names.usage);
  if (!limit || !usage) return kMuch;
  const fs::path stat = group / "memory.stat";
  const std::uint64_t files =
      number_of(stat, names.inactive_files).value_or(0) + number_of(stat, names.active_files).value_or(0);
  const std::uint64_t used = *usage - std::min(*usage, files);
  return *limit - std::min(*limit, used);
}

}  // namespace

std::uint64_t available_memory(const fs::path& root) {
  std::uint64_t least = kMuch;
  if (const auto kilobytes = number_of(root / "proc/meminfo", "MemAvailable:")) least = *kilobytes * 1024;
  for (const Groups& names : kGroups) {
    const auto group = group_of_process(root, names.controller);
    if (!group) continue;
    // A container knows its group by the host's name; its own files lie in the folder of all.
    for (fs::path path = *group;; path = path.parent_path()) {
      least = std::min(least, left_to(root / names.folder / path, names));
      if (path.empty()) break;
    }
  }
  return least;
}

}  // namespace ggml_packed
