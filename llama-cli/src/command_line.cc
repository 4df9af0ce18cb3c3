#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <print>
#include <ranges>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "config_lines.h"
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

void add(CLI::App& app, const Flag& flag) {
  const std::string name(flag.name), help(flag.help);
  CLI::Option* option = std::visit(
      [&]<class T>(T* target) {
        if constexpr (std::is_same_v<T, bool>) return app.add_flag(name, *target, help);
        CLI::Option* added = app.add_option(name, *target, help);
        if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          added->allow_extra_args(flag.takes_several);
          if (std::holds_alternative<Choices>(flag.values)) added->delimiter(',');
        }
        return added;
      },
      flag.target);
  if (flag.required) option->required();
  if (flag.shows_default) option->capture_default_str();
  if (!flag.value.empty()) option->type_name(std::string(flag.value));
  add_values(*option, flag.values);
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
  for (const Flag& flag : command.flags) add(*added, flag);
  for (const Flag& flag : command.flags) {
    if (flag.excludes.empty() && flag.needs.empty()) continue;
    CLI::Option* option = added->get_option(std::string(flag.name.substr(flag.name.find_last_of(',') + 1)));
    if (!flag.excludes.empty()) option->excludes(added->get_option(std::string(flag.excludes)));
    if (!flag.needs.empty()) option->needs(added->get_option(std::string(flag.needs)));
  }
  if (command.takes_config) {
    added
        ->add_option("--config")  // add_configured() has read it
        ->description("Read flags from this file (TOML): normalize = true, column = [\"title\", \"body\"]")
        ->type_name("FILE");
  }
  for (const Command& own : command.commands) add(*added, own, chosen);
  if (!command.run) {
    added->require_subcommand(1);
    return;
  }
  // One of its own that is named runs in its place, and has been called before it.
  added->callback([&command, &chosen] {
    if (chosen == nullptr) chosen = &command;
  });
  added->require_subcommand(0, 1);
}

}  // namespace

namespace {

// The words of a command's line that name a file of flags, and the flag's other names.
std::optional<std::string> config_of(std::span<const std::string> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--config=")) return words[i].substr(9);
    if (words[i] == "--config" && i + 1 < words.size()) return words[i + 1];
  }
  return std::nullopt;
}

const Flag* find_flag(const Command& command, std::string_view name) {
  for (const Flag& flag : command.flags)
    for (const auto part : std::views::split(flag.name, ','))
      if (std::string_view(part) == "--" + std::string(name)) return &flag;
  return nullptr;
}

bool is_given(const Flag& flag, std::span<const std::string> words) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::any_of(std::views::split(flag.name, ','), [&](const auto part) {
      const std::string_view name(part);
      // "-ofile" is -o too.
      return name.starts_with("--") ? word == name || word.starts_with(std::string(name) + "=")
                                    : word.starts_with(name) && !word.starts_with("--");
    });
  });
}

// Flags of a file that were added to a line, with where they stand: "file 'x.toml', line 3".
using Places = std::vector<std::pair<std::string, std::string>>;

std::string text_of_config(const std::string& file) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  if (!std::filesystem::exists(file, ignored)) throw CLI::ConfigError("--config: file '" + file + "' does not exist");
  if (!stream || std::filesystem::is_directory(file, ignored))
    throw CLI::ConfigError("--config: '" + file + "' cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Flags of the file --config names go to the end of the line, but for those that the line has itself. CLI11 reads such
// files for the whole program only, and not for one of its commands.
void add_configured(const Program& program, std::vector<std::string>& words, Places& places) {
  const auto command = std::ranges::find_if(
      program.commands, [&](const Command& c) { return !words.empty() && c.takes_config && c.name == words.front(); });
  if (command == program.commands.end()) return;
  const auto file = config_of(words);
  if (!file) return;
  if (command->config != nullptr) *command->config = *file;
  const auto lines = find_config_lines(text_of_config(*file));
  if (!lines) throw CLI::ConfigError("file '" + *file + "', " + lines.error().message);
  const auto place_of = [&](const std::string& name) {
    const auto known = std::ranges::find(*lines, name, &ConfigLines::value_type::first);
    return "file '" + *file + "'" + (known == lines->end() ? "" : ", line " + std::to_string(known->second));
  };
  const std::vector<std::string> given = words;
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(*file)) {
    if (item.name == "++" || item.name == "--") continue;  // a section's beginning and end
    const Flag* flag = item.parents.empty() ? find_flag(*command, item.name) : nullptr;
    if (flag == nullptr)
      throw CLI::ConfigError(place_of(item.fullname()) + ": --" + item.fullname() + " is no flag of " +
                             std::string(command->name));
    if (is_given(*flag, given)) continue;
    for (const std::string& value : item.inputs) {
      if (!std::holds_alternative<bool*>(flag->target)) {
        words.push_back("--" + item.name + "=" + value);
      } else if (value == "true") {
        words.push_back("--" + item.name);
      } else if (value != "false") {
        throw CLI::ConfigError(place_of(item.name) + ": " + item.name + " is true or false, not '" + value + "'");
      }
    }
    places.emplace_back("--" + item.name, place_of(item.name));
  }
}

// What is wrong with a flag that comes from a file has its place.
std::string with_place(std::string message, const Places& places) {
  for (const auto& [flag, place] : places) {
    const std::size_t at = message.find(flag), end = at + flag.size();
    if (at == std::string::npos || (end < message.size() && (std::isalnum(message[end]) != 0 || message[end] == '-')))
      continue;
    return place + ": " + message;
  }
  return message;
}

}  // namespace

std::expected<const Command*, int> read_command_line(const Program& program, int argc, char** argv) {
  CLI::App app(std::string(program.help), std::string(program.name));
  app.set_version_flag("--version", program.version);
  app.require_subcommand(1);
  const Command* chosen = nullptr;
  for (const Command& command : program.commands) add(app, command, chosen);
  Places places;
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    add_configured(program, words, places);
    std::ranges::reverse(words);  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      for (const Command& command : program.commands) add_names(app, command);
      return std::unexpected(app.exit(error));
    }
    std::println(stderr, "Error: {} (--help lists the flags)", with_place(error.what(), places));
    return std::unexpected(kUsageError);
  }
  return chosen;
}

}  // namespace llama
