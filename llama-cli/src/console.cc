#include "console.h"

#if defined(__linux__)
#include <stdio_ext.h>
#endif

#include <cerrno>
#include <system_error>

#include "exit_status.h"

namespace llama {

std::unexpected<Failure> stop_with(Error error, int status) {
  return std::unexpected(Failure{std::move(error), status});
}

std::unexpected<Failure> usage_error(std::string message) {
  return stop_with({ErrorCode::InvalidArgument, std::move(message)}, kUsageError);
}

void put_line(std::FILE* stream, std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stream);
  std::fputc('\n', stream);
#if defined(__linux__)
  if (std::fflush(stream) != 0) ::__fpurge(stream);  // or it would be tried again with the next line
#else
  std::fflush(stream);
#endif
  std::clearerr(stream);
}

Result<void> print_result(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF &&
      std::fflush(stdout) == 0)
    return {};
  const bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return fail(is_full ? ErrorCode::NoSpace : ErrorCode::Io,
              std::format("standard output cannot be written: {}", std::generic_category().message(errno)));
}

void show_notice(std::string_view line) { tell("Warning: {}", line); }

void show_log(LogLevel level, std::string_view line) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  tell("[llama.cpp {}] {}", kNames[static_cast<int>(level)], line);
}

}  // namespace llama
