#include "command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <print>
#include <type_traits>

#include "exit_status.h"

namespace llama {
namespace {

void add_values(CLI::Option& option, const FlagValues& values) {
  // A range is not worth a line of help: its validator has no description.
  if (const auto* whole = std::get_if<WholeRange>(&values)) {
    option.check(CLI::Range(whole->low, whole->high).description(""));
  } else if (const auto* real = std::get_if<RealRange>(&values)) {
    option.check(CLI::Range(real->low, real->high).description(""));
  } else if (const auto* choices = std::get_if<Choices>(&values)) {
    option.check(CLI::IsMember(*choices));
  }
}

CLI::Option* add(CLI::App& app, const Flag& flag) {
  const std::string name(flag.name), help(flag.help);
  CLI::Option* option = std::visit(
      [&]<class T>(T* target) {
        if constexpr (std::is_same_v<T, bool>) return app.add_flag(name, *target, help);
        CLI::Option* added = app.add_option(name, *target, help);
        if constexpr (std::is_same_v<T, std::vector<std::string>>) added->allow_extra_args(false);
        return added;
      },
      flag.target);
  if (flag.required) option->required();
  if (flag.shows_default) option->capture_default_str();
  if (!flag.value.empty()) option->type_name(std::string(flag.value));
  add_values(*option, flag.values);
  return option;
}

// Completes the help of the flags whose names take time to find out.
void add_names(CLI::App& app, const Command& command) {
  CLI::App* added = app.get_subcommand(std::string(command.name));
  for (const Flag& flag : command.flags) {
    if (!flag.names) continue;
    std::string help(flag.help);
    for (const char* before = ": "; const std::string& name : flag.names()) help += before + name, before = ", ";
    added->get_option(std::string(flag.name))->description(help);
  }
  for (const Command& own : command.commands) add_names(*added, own);
}

void add(CLI::App& app, const Command& command, const Command*& chosen) {
  CLI::App* added = app.add_subcommand(std::string(command.name), std::string(command.help));
  if (!command.footer.empty()) added->footer(std::string(command.footer));  // its own commands inherit it
  for (const Flag& flag : command.flags) {
    CLI::Option* option = add(*added, flag);
    if (!flag.excludes.empty()) option->excludes(added->get_option(std::string(flag.excludes)));
    if (!flag.needs.empty()) option->needs(added->get_option(std::string(flag.needs)));
  }
  for (const Command& own : command.commands) add(*added, own, chosen);
  if (command.commands.empty()) {
    added->callback([&command, &chosen] { chosen = &command; });
  } else {
    added->require_subcommand(1);
  }
}

}  // namespace

std::expected<const Command*, int> read_command_line(const Program& program, int argc, char** argv) {
  CLI::App app(std::string(program.help), std::string(program.name));
  app.set_version_flag("--version", program.version);
  app.require_subcommand(1);
  const Command* chosen = nullptr;
  for (const Command& command : program.commands) add(app, command, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      for (const Command& command : program.commands) add_names(app, command);
      return std::unexpected(app.exit(error));
    }
    std::println(stderr, "Error: {} (--help lists the flags)", error.what());
    return std::unexpected(kUsageError);
  }
  return chosen;
}

}  // namespace llama
