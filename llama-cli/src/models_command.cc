#include <memory>

#include "exit_status.h"
#include "models.h"

namespace llama {
namespace {

// One of the command's own, with a place for a model's name if `model` says what it may be.
Command own_command(const std::shared_ptr<ModelsArguments>& a, std::string_view name, ModelsAction action,
                    std::string_view help, std::string_view model) {
  Flags flags;
  if (!model.empty()) {
    flags.push_back({.name = "model", .target = &a->loader.model, .help = model, .value = "MODEL", .required = true});
  }
  flags.append_range(cache_flags(a->loader));
  flags.append_range(Flags{{.name = "--json", .target = &a->json, .help = "Print JSON"},
                           {.name = "--quiet", .target = &a->quiet, .help = "Print results and errors only"}});
  return {.name = name, .help = help, .flags = std::move(flags), .run = [a, action](Interrupt& interrupt) {
            a->action = action;
            return run_models(*a, interrupt);
          }};
}

}  // namespace

Command models_command() {
  const auto arguments = std::make_shared<ModelsArguments>();
  const auto own = [&](std::string_view name, ModelsAction action, std::string_view help, std::string_view model = {}) {
    return own_command(arguments, name, action, help, model);
  };
  constexpr std::string_view kCached = "Repository (org/name, org/name:Q8_0) or key of a cached model";
  Command path = own("path", ModelsAction::Path, "Print the model's first file", kCached);
  path.flags.append_range(model_flags(arguments->loader));
  Command pull =
      own("pull", ModelsAction::Pull, "Fetch a model, or bring it up to date", "Repository: org/name, org/name:Q8_0");
  pull.flags.append_range(model_flags(arguments->loader));
  pull.flags.push_back({.name = "--list-files",
                        .target = &arguments->list_files,
                        .help = "Only show what the repository holds and which file would be taken"});
  Command remove = own("remove", ModelsAction::Remove, "Remove a model", kCached);
  remove.flags.append_range(model_flags(arguments->loader));
  return {.name = "models",
          .help = "List, fetch, check and remove downloaded models",
          .commands = {own("list", ModelsAction::List, "What is in the cache, last used first"), std::move(path),
                       std::move(pull), own("verify", ModelsAction::Verify, "Compute every file's digest anew"),
                       std::move(remove),
                       own("prune", ModelsAction::Prune, "Remove unfinished downloads, and what exceeds the limit")},
          .footer = kStatusHelp};
}

}  // namespace llama
