#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>

#include "command_line.h"
#include "compare/compare.h"
#include "completion.h"
#include "dedup/dedup.h"
#include "devices.h"
#include "embed/embed.h"
#include "exit_status.h"
#include "generate.h"
#include "interrupt.h"
#include "llama-core/kernels.h"
#include "models.h"
#include "shards.h"
#include "tools/tools.h"
#include "vectors/map.h"
#include "vectors/vectors.h"
#include "verify/verify.h"

namespace {

int run(int argc, char** argv) {
  llama::Program program{
      .name = "llama-cli",
      .help = "Turn texts into vectors and prompts into answers with GGUF models",
      .version = [] { return "llama-cli " LLAMA_CLI_VERSION "\nkernels: " + llama::kernels_in_use(); },
      .commands = {llama::embed_command(), llama::shards_command(), llama::inspect_command(), llama::search_command(),
                   llama::verify_command(), llama::compare_command(), llama::dedup_command(), llama::map_command(),
                   llama::generate_command(), llama::models_command(), llama::tools_command(),
                   llama::devices_command()}};
  const auto whole = [&program]() -> const llama::Program& { return program; };
  program.commands.push_back(llama::completion_command(whole));
  program.commands.push_back(llama::manual_command(whole));
  const auto command = llama::read_command_line(program, argc, argv);
  if (!command) return command.error();
  llama::Interrupt interrupt;
  try {
    return (*command)->run(interrupt);
  } catch (const std::system_error&) {
    // Nobody is there any more to be told: the terminal was closed.
    if (interrupt.signal() != SIGHUP) throw;
    return interrupt.exit_status();
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, above all
    // println() needs memory, and would throw where standard error is closed.
    for (const char* part : {"Error: ", error.what(), "\n"}) std::fputs(part, stderr);
    return llama::kInternalError;
  }
}
