#include "priority.h"

#include <sys/resource.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <format>
#include <string>
#include <system_error>

namespace llama {
namespace {

// 0: the calling thread. Whoever is nicer stays so: only root may take that back.
int raise_to(int level, id_t thread) {
  errno = 0;
  const int now = getpriority(PRIO_PROCESS, thread);
  if (errno != 0) return errno == ESRCH ? 0 : errno;  // it has ended
  return now >= level || setpriority(PRIO_PROCESS, thread, level) == 0 || errno == ESRCH ? 0 : errno;
}

}  // namespace

Result<void> be_nice(int level) {
  int error = raise_to(level, 0);
  // On Linux niceness is a thread's; elsewhere that was all.
  std::error_code no_folder;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", no_folder)) {
    const std::string name = entry.path().filename().string();
    id_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread != 0 && error == 0) error = raise_to(level, thread);
  }
  if (error == 0) return {};
  return fail(ErrorCode::Io, std::format("--nice {}: {}", level, std::strerror(error)));
}

}  // namespace llama
