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

namespace llama {
namespace {

// A pipe without a writer hangs up as well.
bool is_closed_terminal(int file) {
  struct stat what{};
  pollfd terminal{.fd = file, .events = 0, .revents = 0};  // that it hung up is always told
  return ::fstat(file, &what) == 0 && S_ISCHR(what.st_mode) && ::poll(&terminal, 1, 0) > 0 &&
         (terminal.revents & POLLHUP) != 0;
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
  if (!command) return command.error();
  Interrupt interrupt;
  try {
    return (*command)->run(interrupt);
  } catch (const std::system_error&) {
    // Nobody is there any more to be told: the terminal was closed.
    if (interrupt.signal() != SIGHUP && !is_closed_terminal(STDIN_FILENO)) throw;
    return 128 + SIGHUP;
  }
}

// Done, or not where standard output did not take all that was printed. Other statuses have told their reason.
int with_written_output(int status) {
  if (status != kDone || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return status;
  std::fputs("Error: standard output cannot be written\n", stderr);
  return kOutputError;
}

}  // namespace

int run_program(std::vector<Command> (*commands)(), int argc, char** argv) {
  try {
    return with_written_output(run_command(commands(), argc, argv));
  } catch (const std::exception& error) {  // out of memory, above all
    // println() needs memory, and would throw where standard error is closed.
    for (const char* part : {"Error: ", error.what(), "\n"}) std::fputs(part, stderr);
    return std::ferror(stdout) != 0 ? kOutputError : kInternalError;
  }
}

}  // namespace llama
