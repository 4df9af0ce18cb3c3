#include "program.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

#include "command_line.h"
#include "completion.h"
#include "exit_status.h"
#include "interrupt.h"
#include "llama-core/kernels.h"
#include "standard_streams.h"

namespace llama {
namespace {

// A pipe without a writer hangs up as well.
bool is_closed_terminal(int file) {
  struct stat what{};
  pollfd terminal{.fd = file, .events = 0, .revents = 0};  // that it hung up is always told
  return ::fstat(file, &what) == 0 && S_ISCHR(what.st_mode) && ::poll(&terminal, 1, 0) > 0 &&
         (terminal.revents & POLLHUP) != 0;
}

// False where standard output did not take all that was printed.
bool write_rest() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0; }

// Of those who have printed. Other statuses than kDone have told their reason.
int status_of(int status, bool is_written) {
  if (status != kDone || is_written) return status;
  std::fputs("Error: standard output cannot be written\n", stderr);
  return kOutputError;
}

// What nobody caught: out of memory, above all.
int tell_exception(const std::exception& error) {
  // println() needs memory, and would throw where standard error is closed.
  for (const char* part : {"Error: ", error.what(), "\n"}) std::fputs(part, stderr);
  return std::ferror(stdout) != 0 ? kOutputError : kInternalError;
}

// The status of a command and of what it printed, which is written while signals are still listened to.
int run_watched(const Command& command) {
  Interrupt interrupt;
  const StandardStreams streams(interrupt);
  int status = kDone;
  try {
    status = command.run(interrupt);
  } catch (const std::system_error& error) {
    // Nobody is there any more to be told: the terminal was closed, or a signal ended the wait for who reads.
    const bool is_closed = interrupt.signal() == SIGHUP || is_closed_terminal(STDIN_FILENO);
    status = is_closed || streams.exit_status() != 0 ? 128 + SIGHUP : tell_exception(error);
  } catch (const std::exception& error) {
    status = tell_exception(error);
  }
  const bool is_written = write_rest();
  if (streams.output_status() != 0) return streams.output_status();
  // What is done stays done where only its last lines for people waited.
  return status != kDone && streams.exit_status() != 0 ? streams.exit_status() : status_of(status, is_written);
}

int run_command(std::vector<Command> commands, int argc, char** argv) {
  Program program{.name = "llama-cli",
                  .help = "Turn texts into vectors and prompts into answers with GGUF models",
                  .version = [] { return "llama-cli " LLAMA_CLI_VERSION "\nkernels: " + kernels_in_use(); },
                  .commands = std::move(commands)};
  const auto whole = [&program]() -> const Program& { return program; };
  program.commands.push_back(completion_command(whole));
  program.commands.push_back(manual_command(whole));
  const auto command = read_command_line(program, argc, argv);
  return command ? run_watched(**command) : status_of(command.error(), write_rest());
}

}  // namespace

int run_program(std::vector<Command> (*commands)(), int argc, char** argv) {
  try {
    return run_command(commands(), argc, argv);
  } catch (const std::exception& error) {
    return tell_exception(error);
  }
}

}  // namespace llama
