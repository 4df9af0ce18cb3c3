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

void put_line(std::FILE* stream, std::string_view line) { static_cast<void>(write_line(stream, line)); }

bool write_line(std::FILE* stream, std::string_view line) {
  bool is_written = std::fwrite(line.data(), 1, line.size(), stream) == line.size() && std::fputc('\n', stream) != EOF;
  is_written = std::fflush(stream) == 0 && is_written;
  const bool is_wanted = is_written || errno != EPIPE;
#if defined(__linux__)
  if (!is_written) ::__fpurge(stream);  // or it would be tried again with the next line
#endif
  std::clearerr(stream);
  return is_written || !is_wanted;
}

std::string without_controls(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are two bytes in UTF-8.
    const bool is_second = byte >= 0x80 && byte < 0xa0 && i > 0 && text[i - 1] == '\xc2';
    if (is_second) text[i - 1] = ' ';
    if (is_second || byte == 0x7f || (byte < 0x20 && byte != '\n' && byte != '\t')) text[i] = ' ';
  }
  return text;
}

Result<void> print_text(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  if (errno == ECANCELED) return fail(ErrorCode::Cancelled, "standard output takes nothing");
  const bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return fail(is_full ? ErrorCode::NoSpace : ErrorCode::Io,
              std::format("standard output cannot be written: {}", std::generic_category().message(errno)));
}

Result<void> print_result(const std::string& line) { return print_text(line + "\n"); }

void show_notice(std::string_view line) { tell("Warning: {}", line); }

void show_log(LogLevel level, std::string_view line) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  tell("[llama.cpp {}] {}", kNames[static_cast<int>(level)], line);
}

}  // namespace llama
