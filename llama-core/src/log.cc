#include "llama-core/log.h"

#include <llama.h>

#include <mutex>
#include <utility>

namespace llama {
namespace {

std::mutex sink_mutex;
LogSink sink;
thread_local std::string unfinished_line;  // llama.cpp logs in pieces; CONT continues the last one
thread_local LogLevel line_level = LogLevel::Debug;
thread_local std::string first_error;

LogLevel level_of(ggml_log_level level) {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR:
      return LogLevel::Error;
    case GGML_LOG_LEVEL_WARN:
      return LogLevel::Warning;
    case GGML_LOG_LEVEL_INFO:
      return LogLevel::Info;
    default:
      return LogLevel::Debug;
  }
}

// Without the names of llama.cpp's functions before it.
std::string_view reason(std::string_view line) {
  constexpr std::string_view kBefore = "error loading model: ";
  const std::size_t at = line.find(kBefore);
  return at == std::string_view::npos ? line : line.substr(at + kBefore.size());
}

void receive(ggml_log_level level, const char* text, void*) noexcept {
  try {
    if (level != GGML_LOG_LEVEL_CONT) line_level = level_of(level);
    unfinished_line += text;
    for (std::size_t end; (end = unfinished_line.find('\n')) != std::string::npos; unfinished_line.erase(0, end + 1)) {
      const std::string_view whole = std::string_view(unfinished_line).substr(0, end);
      if (whole.empty()) continue;
      if (line_level == LogLevel::Error && first_error.empty()) first_error = reason(whole);
      const std::scoped_lock lock(sink_mutex);
      if (sink) sink(line_level, whole);
    }
  } catch (...) {
    unfinished_line.clear();  // out of memory while logging: lose the line, not the program
  }
}

}  // namespace

void set_log_sink(LogSink new_sink) {
  const std::scoped_lock lock(sink_mutex);
  sink = std::move(new_sink);
}

void internal::capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { llama_log_set(receive, nullptr); });
}

std::string internal::take_first_log_error() { return std::exchange(first_error, {}); }

}  // namespace llama
