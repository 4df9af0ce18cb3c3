#include "line_editor.h"

#include <fcntl.h>
#include <isocline.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stop_token>
#include <system_error>
#include <thread>

namespace llama {
namespace {

constexpr long kHistoryLines = 1000;
constexpr std::size_t kMaxLineBytes = 1 << 20;  // no message may be that long

// Where lines are remembered between chats: ~/.local/state/llama-cli/history.
std::filesystem::path history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (state != nullptr && *state == '/') {
    folder = state;
  } else if (home != nullptr && *home == '/') {
    folder = std::filesystem::path(home) / ".local/state";
  } else {
    return {};
  }
  std::error_code failed;
  std::filesystem::create_directories(folder / "llama-cli", failed);
  if (failed) return {};
  const auto file = folder / "llama-cli/history";
  // What is said to a model is nobody else's business; the editor would make a file that all may read.
  if (const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600); made >= 0) ::close(made);
  return file;
}

std::span<const char* const> known_commands;  // isocline's completer is a plain function

void complete(ic_completion_env_t* environment, const char* typed) {
  if (*typed != '/') return;
  for (const char* command : known_commands) {
    if (!ic_starts_with(command, typed)) continue;
    // In place of all that is typed so far.
    ic_add_completion_prim(environment, command, nullptr, nullptr, static_cast<long>(std::strlen(typed)), 0);
  }
}

// Once its terminal is closed the editor would read the end of it again and again. Nothing is under way meanwhile.
void leave_with_terminal(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd terminal{.fd = STDIN_FILENO, .events = 0, .revents = 0};  // that it hung up is always told
    if (::poll(&terminal, 1, 30) > 0 && (terminal.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) ::_exit(128 + SIGHUP);
  }
}

}  // namespace

LineEditor::LineEditor(std::span<const char* const> commands, const Interrupt& interrupt)
    : interrupt_(interrupt), is_terminal_(::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) {
  if (!is_terminal_) return;
  const auto history = history_file();
  ic_set_history(history.empty() ? nullptr : history.c_str(), kHistoryLines);
  ic_set_prompt_marker("> ", ". ");
  ic_enable_brace_insertion(false);
  ic_enable_hint(false);
  known_commands = commands;
  ic_set_default_completer(complete, nullptr);
}

std::optional<std::string> LineEditor::read() {
  if (is_terminal_) {
    // A key cannot tell an editor that the program shall end; a signal can.
    const std::stop_callback on_signal(interrupt_.token(), [] { ic_async_stop(); });
    const std::jthread watch(leave_with_terminal);
    // Nothing: Ctrl-D, or a signal. Ctrl-C gives an empty line.
    const std::unique_ptr<char, decltype(&std::free)> line(ic_readline(""), std::free);
    if (line && interrupt_.signal() == 0) return std::string(line.get());
    return std::nullopt;
  }
  // Nothing is under way while we wait here, and nothing else would wake us.
  const std::stop_callback on_signal(interrupt_.token(), [this] { ::_exit(interrupt_.exit_status()); });
  std::string line;
  for (int c = 0; (c = std::getchar()) != EOF;) {
    if (c == '\n') return line;
    if (line.size() < kMaxLineBytes) line += static_cast<char>(c);
  }
  if (line.empty()) return std::nullopt;
  return line;
}

}  // namespace llama
