// What every command says in the same way: lines, errors with their exit status, llama.cpp's log.
#pragma once

#include <cstdio>
#include <expected>
#include <format>
#include <string>
#include <string_view>
#include <utility>

#include "llama-base/error.h"
#include "llama-core/log.h"

namespace llama {

// What went wrong, and the exit status that tells a script.
struct Failure {
  Error error;
  int status;
};
template <class T>
using Step = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> stop_with(Error error, int status);
[[nodiscard]] std::unexpected<Failure> usage_error(std::string message);  // a flag or its value

// Prints a line for people. Where none can be written any more (a full disk, a closed terminal) the work goes on.
void put_line(std::FILE* stream, std::string_view line);

// "Warning: …", "Error: …", on standard error.
template <class... A>
void tell(std::format_string<A...> format, A&&... arguments) {
  put_line(stderr, std::format(format, std::forward<A>(arguments)...));
}

// Prints what a script asked for, on standard output.
// Errors   NoSpace, Io: it is not all written.
[[nodiscard]] Result<void> print_result(const std::string& line);

// Prints that the work goes on, but not as it was wished: a sink for on_notice.
void show_notice(std::string_view line);

// Prints a line of llama.cpp's log: a sink for set_log_sink().
void show_log(LogLevel level, std::string_view line);

struct Console {
  bool quiet = false;
  bool terminal = false;       // stderr is one
  std::FILE* stream = stdout;  // where lines go
  template <class... A>
  void line(std::format_string<A...> format, A&&... arguments) const {
    if (!quiet) put_line(stream, std::format(format, std::forward<A>(arguments)...));
  }
};

}  // namespace llama
