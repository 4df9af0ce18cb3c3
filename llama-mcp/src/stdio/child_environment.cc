#include "stdio/child_environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <ranges>
#include <string_view>

// NOLINTNEXTLINE(readability-redundant-declaration): POSIX leaves it to the program, glibc declares it with _GNU_SOURCE
extern char** environ;  // environ(7)

namespace llama::internal {
namespace {

// clang-format off
constexpr std::array<std::string_view, 30> kHandedOn = {
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TERM", "SHELL", "TMPDIR", "TZ", "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "ftp_proxy",
    "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"};
// clang-format on

constexpr std::string_view kUsualPath = "/usr/local/bin:/usr/bin:/bin";

bool is_program(const std::filesystem::path& file) {
  struct stat status{};
  return stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(file.c_str(), X_OK) == 0;
}

}  // namespace

bool is_handed_on(std::string_view name, std::string_view value) {
  if (value.starts_with("()")) return false;  // a function of bash's
  return std::ranges::contains(kHandedOn, name) || name.starts_with("LC_");
}

std::map<std::string, std::string> child_environment(const McpServerConfig& config) {
  std::map<std::string, std::string> variables;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const auto sign = entry.find('=');
    if (sign == std::string_view::npos) continue;
    const auto name = entry.substr(0, sign), value = entry.substr(sign + 1);
    if (is_handed_on(name, value)) variables.emplace(name, value);
  }
  for (const auto& [name, value] : config.env) variables[name] = value;
  return variables;
}

Result<std::filesystem::path> find_program(const McpServerConfig& config,
                                           const std::map<std::string, std::string>& environment) {
  std::filesystem::path command = config.command;
  if (config.command.contains('/')) {
    const auto file = command.is_absolute() ? command : config.working_directory / command;
    if (is_program(file))
      return command;  // a relative one is read in the working directory, where the child is by then
    return fail(ErrorCode::NotFound, std::format("its command '{}' is no program", config.command));
  }
  const auto found = environment.find("PATH");
  const std::string_view path = found == environment.end() ? kUsualPath : std::string_view(found->second);
  for (const auto part : std::views::split(path, ':')) {
    const std::string_view folder(part.begin(), part.end());
    if (folder.empty()) continue;  // the working directory, which is no place to find programs in
    if (auto file = std::filesystem::path(folder) / command; is_program(file)) return file;
  }
  return fail(ErrorCode::NotFound, std::format("its command '{}' is in no folder of PATH", config.command));
}

}  // namespace llama::internal
