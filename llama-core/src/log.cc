#include "llama-core/log.h"

#include <llama.h>

#include <mutex>
#include <utility>

namespace llama {
namespace {

std::mutex sink_mutex;
// Never destroyed: a model that lives as long as the program logs when it is.
LogSink& sink() {
  static auto* const kSink = new LogSink;
  return *kSink;
}

// What a thread has logged. The main thread's is destroyed before static objects are, a static model among them: what
// those log is lost, and this flag, which needs no destructor, says so.
thread_local bool is_over = false;
struct ThreadLog {
  std::string unfinished_line;  // llama.cpp logs in pieces; CONT continues the last one
  LogLevel level = LogLevel::Debug;
  std::string first_error;
  ThreadLog() = default;
  ~ThreadLog() { is_over = true; }
  ThreadLog(const ThreadLog&) = delete;
  ThreadLog& operator=(const ThreadLog&) = delete;
};
thread_local ThreadLog log_of_thread;

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
  if (is_over) return;
  ThreadLog& log = log_of_thread;
  std::string& line = log.unfinished_line;
  try {
    if (level != GGML_LOG_LEVEL_CONT) log.level = level_of(level);
    line += text;
    for (std::size_t end; (end = line.find('\n')) != std::string::npos; line.erase(0, end + 1)) {
      const std::string_view whole = std::string_view(line).substr(0, end);
      if (whole.empty()) continue;
      if (log.level == LogLevel::Error && log.first_error.empty()) log.first_error = reason(whole);
      const std::scoped_lock lock(sink_mutex);
      if (sink()) sink()(log.level, whole);
    }
  } catch (...) {
    line.clear();  // out of memory while logging: lose the line, not the program
  }
}

}  // namespace

void set_log_sink(LogSink new_sink) {
  const std::scoped_lock lock(sink_mutex);
  sink() = std::move(new_sink);
}

void internal::capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { llama_log_set(receive, nullptr); });
}

std::string internal::take_first_log_error() {
  return is_over ? std::string() : std::exchange(log_of_thread.first_error, {});
}

}  // namespace llama
