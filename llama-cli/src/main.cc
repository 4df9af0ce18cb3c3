// llama-cli: all commands.
#include "compare/compare.h"
#include "dedup/dedup.h"
#include "devices.h"
#include "embed/embed.h"
#include "generate.h"
#include "models.h"
#include "program.h"
#include "shards.h"
#include "tools/tools.h"
#include "vectors/map.h"
#include "vectors/vectors.h"
#include "verify/verify.h"

namespace {

std::vector<llama::Command> commands() {
  return {llama::embed_command(),    llama::shards_command(),  llama::inspect_command(), llama::search_command(),
          llama::verify_command(),   llama::compare_command(), llama::dedup_command(),   llama::map_command(),
          llama::generate_command(), llama::models_command(),  llama::tools_command(),   llama::devices_command()};
}

}  // namespace

int main(int argc, char** argv) { return llama::run_program(commands, argc, argv); }
