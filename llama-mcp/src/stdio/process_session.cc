#include "stdio/process_session.h"

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace llama::internal {
namespace {

constexpr int kMaxLooks = 3;  // a process may start another while we look

// "1234 (a name) S parent group session …": the name may have brackets and blanks.
bool is_alive_in(const std::string& stat, pid_t session) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(stat.substr(name_end + 1));
  char state = 'Z';
  long parent = 0, group = 0, own_session = 0;
  fields >> state >> parent >> group >> own_session;
  return fields && state != 'Z' && state != 'X' && own_session == session;
}

bool kill_once(pid_t session) {
  bool is_any = false;
  std::error_code failed;
  for (std::filesystem::directory_iterator each("/proc", failed), end; !failed && each != end; each.increment(failed)) {
    const std::string name = each->path().filename().string();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
    std::ifstream in(each->path() / "stat");
    std::string stat;
    if (!std::getline(in, stat) || !is_alive_in(stat, session)) continue;
    kill(pid, SIGKILL);
    is_any = true;
  }
  return is_any;
}

}  // namespace

void kill_session(pid_t leader) {
  for (int round = 0; round < kMaxLooks && kill_once(leader); ++round) {
  }
}

}  // namespace llama::internal
