// llama-cli-embed: the commands that texts need to become vectors. It builds in half of the time that llama-cli takes,
// and is what script/demo builds.
#include "devices.h"
#include "embed/embed.h"
#include "models.h"
#include "program.h"
#include "shards.h"

namespace {

std::vector<llama::Command> commands() {
  return {llama::embed_command(), llama::shards_command(), llama::models_command(), llama::devices_command()};
}

}  // namespace

int main(int argc, char** argv) { return llama::run_program(commands, argc, argv); }
