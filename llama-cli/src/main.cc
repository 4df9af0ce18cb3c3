#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>
#include <print>
#include <system_error>

#include "devices.h"
#include "embed.h"
#include "exit_status.h"
#include "generate.h"
#include "interrupt.h"
#include "llama-core/kernels.h"
#include "llama-loader/kernel_choice.h"
#include "llama-loader/model_loader.h"
#include "models.h"

namespace {

// A number from 1 up; its range is not worth a line of help.
const CLI::Validator kAtLeastOne = CLI::Range(1, std::numeric_limits<std::int32_t>::max()).description("");
const CLI::Validator kThreadCount = CLI::Range(1, 4096).description("");

constexpr const char* kStatuses =
    "Exit status: 0 done, 2 usage, 3 input, 4 model, 5 output or disk, 6 network or hub, 130 interrupted (143: "
    "terminated), "
    "1 anything else.";

void add_embed(CLI::App& app, llama::EmbedArguments& a) {
  CLI::App* embed = app.add_subcommand("embed", "Turn the lines of a text file into vectors in a Parquet file");
  embed
      ->add_option("-m,--model", a.loader.model,
                   "Folder or .gguf file, or a Hugging Face repository: org/name, org/name:Q8_0")
      ->required()
      ->type_name("MODEL");
  llama::add_model_flags(*embed, a.loader);
  embed->add_option("-i,--input", a.input, "Text file, one text per line, UTF-8; - reads standard input")
      ->required()
      ->type_name("FILE");
  embed->add_option("-o,--output", a.output, "Parquet file to write")->required()->type_name("FILE");
  embed->add_option("--batch-size", a.batch_size, "Most texts in one pass; changes the speed, not the vectors")
      ->capture_default_str()
      ->check(kAtLeastOne)
      ->type_name("N");
  embed->add_option("--token-budget", a.token_budget, "Tokens of one pass; 0: as many as are fastest, measured once")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20).description(""))
      ->type_name("TOKENS");
  embed->add_flag("--normalize", a.normalize, "Scale each vector to length 1");
  embed
      ->add_option("--max-length", a.max_length,
                   "Tokens after which a text is cut; default: the model's trained context")
      ->check(kAtLeastOne)
      ->type_name("TOKENS");
  embed
      ->add_option("--pooling", a.pooling,
                   "How token vectors become one: mean, cls or last; default: as the model says")
      ->check(CLI::IsMember({"mean", "cls", "last"}))
      ->type_name("KIND");
  embed
      ->add_option("--special-tokens", a.special_tokens,
                   "Read strings like <|endoftext|> inside a text as special tokens (parse) or as text")
      ->capture_default_str()
      ->check(CLI::IsMember({"parse", "text"}))
      ->type_name("HOW");
  embed
      ->add_option("--tokenizer", a.tokenizer,
                   "Tokens as the model's published tokenizer makes them, or as llama.cpp's own")
      ->capture_default_str()
      ->check(CLI::IsMember({"published", "llama.cpp"}))
      ->type_name("WHOSE");
  embed->add_option("--on-error", a.on_error, "A line that is not UTF-8: warn, leave it out and continue, or fail")
      ->capture_default_str()
      ->check(CLI::IsMember({"continue", "fail"}))
      ->type_name("HOW");
  embed->add_option("--threads", a.threads, "Threads; default: one per physical core that the process may use")
      ->check(kThreadCount)
      ->type_name("N");
  llama::add_compute_flags(*embed, a.loader);
  embed->add_flag("--no-bf16-copy", a.no_bf16_copy,
                  "Where our kernels cannot be used, keep no BF16 copy of a Q8_0 model");
  embed->add_flag("--force", a.force, "Replace an existing output");
  embed->add_flag("--quiet", a.quiet, "Print warnings and errors only");
  embed->add_flag("--debug", a.debug, "Show llama.cpp's log");
  llama::add_cache_flags(*embed, a.loader);
  embed->footer(kStatuses);
}

void add_models(CLI::App& app, llama::ModelsArguments& a) {
  using llama::ModelsAction;
  CLI::App* models = app.add_subcommand("models", "List, fetch, check and remove downloaded models");
  models->require_subcommand(1);
  models->footer(kStatuses);
  const auto action = [&](const char* name, ModelsAction which, const char* what, const char* model) {
    CLI::App* command = models->add_subcommand(name, what);
    command->callback([&a, which] { a.action = which; });
    if (model != nullptr) command->add_option("model", a.loader.model, model)->required()->type_name("MODEL");
    llama::add_cache_flags(*command, a.loader);
    command->add_flag("--json", a.json, "Print JSON");
    command->add_flag("--quiet", a.quiet, "Print results and errors only");
    return command;
  };
  const char* cached = "Repository (org/name, org/name:Q8_0) or key of a cached model";
  action("list", ModelsAction::List, "What is in the cache, last used first", nullptr);
  llama::add_model_flags(*action("path", ModelsAction::Path, "Print the model's first file", cached), a.loader);
  CLI::App* pull = action("pull", ModelsAction::Pull, "Fetch a model, or bring it up to date",
                          "Repository: org/name, org/name:Q8_0");
  llama::add_model_flags(*pull, a.loader);
  pull->add_flag("--list-files", a.list_files, "Only show what the repository holds and which file would be taken");
  action("verify", ModelsAction::Verify, "Compute every file's digest anew", nullptr);
  llama::add_model_flags(*action("remove", ModelsAction::Remove, "Remove a model", cached), a.loader);
  action("prune", ModelsAction::Prune, "Remove unfinished downloads, and what exceeds the limit", nullptr);
}

int run(int argc, char** argv) {
  CLI::App app("Turn texts into vectors and prompts into answers with GGUF models", "llama-cli");
  app.set_version_flag("--version", [] {
    llama::choose_measured_kernels(llama::MeasurementMemory(llama::ModelLoader().cache().folder()));
    return "llama-cli " LLAMA_CLI_VERSION "\nkernels: " + llama::kernels_in_use();
  });
  app.require_subcommand(1);
  llama::EmbedArguments embed;
  llama::GenerateArguments generate;
  llama::ModelsArguments models;
  add_embed(app, embed);
  llama::add_generate(app, generate);
  app.get_subcommand("generate")->footer(kStatuses);
  add_models(app, models);
  bool devices_as_json = false;
  CLI::App* devices = app.add_subcommand("devices", "List what can compute: GPUs and the CPU");
  devices->add_flag("--json", devices_as_json, "Print JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::println(stderr, "Error: {} (--help lists the flags)", error.what());
    return llama::kUsageError;
  }
  llama::Interrupt interrupt;
  try {
    if (app.got_subcommand("devices")) return llama::run_devices(devices_as_json);
    if (app.got_subcommand("generate")) return llama::run_generate(generate, interrupt);
    return app.got_subcommand("models") ? llama::run_models(models, interrupt) : llama::run_embed(embed, interrupt);
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
  } catch (const std::exception& error) {               // out of memory, above all
    std::fprintf(stderr, "Error: %s\n", error.what());  // println() would throw where stderr is closed
    return llama::kInternalError;
  }
}
