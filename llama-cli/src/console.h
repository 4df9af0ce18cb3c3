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
// The same, and says whether it is written. A reader that went away (head) wanted no more: that is as good.
[[nodiscard]] bool write_line(std::FILE* stream, std::string_view line);

// For a terminal: control characters but line breaks and tabs become spaces. Names in files that come from elsewhere
// are not to move its cursor.
[[nodiscard]] std::string without_controls(std::string text);

// "Warning: …", "Error: …", on standard error.
template <class... A>
void tell(std::format_string<A...> format, A&&... arguments) {
  put_line(stderr, without_controls(std::format(format, std::forward<A>(arguments)...)));
}

// Prints what a script asked for, on standard output.
// Errors   NoSpace, Io: it is not all written; Cancelled: nor will it be, for a signal came (standard_streams.h).
[[nodiscard]] Result<void> print_text(std::string_view text);
[[nodiscard]] Result<void> print_result(const std::string& line);  // with a line break

// Prints that the work goes on, but not as it was wished: a sink for on_notice.
void show_notice(std::string_view line);

// Prints a line of llama.cpp's log: a sink for set_log_sink().
void show_log(LogLevel level, std::string_view line);

struct Console {
  bool quiet = false;
  bool terminal = false;       // stderr is one
  std::FILE* stream = stdout;  // where lines go
  // Of a report, whose lines are all there is: set where one could not be written. They have no control characters.
  bool* is_cut = nullptr;
  template <class... A>
  void line(std::format_string<A...> format, A&&... arguments) const {
    if (quiet) return;
    std::string text = std::format(format, std::forward<A>(arguments)...);
    if (is_cut == nullptr) return put_line(stream, text);
    if (!write_line(stream, without_controls(std::move(text)))) *is_cut = true;
  }
};

}  // namespace llama
