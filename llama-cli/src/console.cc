#include "console.h"

#include "exit_status.h"

namespace llama {

std::unexpected<Failure> stop_with(Error error, int status) {
  return std::unexpected(Failure{std::move(error), status});
}

std::unexpected<Failure> usage_error(std::string message) {
  return stop_with({ErrorCode::InvalidArgument, std::move(message)}, kUsageError);
}

void show_notice(std::string_view line) { std::println(stderr, "Warning: {}", line); }

void show_log(LogLevel level, std::string_view line) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  std::println(stderr, "[llama.cpp {}] {}", kNames[static_cast<int>(level)], line);
}

}  // namespace llama
