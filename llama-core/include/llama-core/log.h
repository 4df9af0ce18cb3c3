// Receive what llama.cpp logs, which otherwise goes to stderr.
//
// Threads  set_log_sink may be called at any time; the sink is called by any thread, one call at a time, and must not
//          call back into this library.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace llama {

enum class LogLevel { Debug, Info, Warning, Error };

using LogSink = std::function<void(LogLevel, std::string_view line)>;

// Send complete lines to a sink; an empty sink drops them. Starts out empty.
void set_log_sink(LogSink sink);

namespace internal {
void capture_log();  // idempotent; called before the first use of llama.cpp
std::string
take_first_log_error();  // this thread's first since the last call, for an Error's message: what follows it says less
}  // namespace internal
}  // namespace llama
