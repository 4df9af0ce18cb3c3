#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <optional>
#include <print>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "config_lines.h"
#include "exit_status.h"
#include "llama-base/text_kind.h"

namespace llama {
namespace {

void add_values(CLI::Option& option, const FlagValues& values) {
  // A range is not worth a line of help: its validator has no description.
  if (const auto* whole = std::get_if<WholeRange>(&values)) {
    option.check(CLI::Range(whole->low, whole->high).description(""));
  } else if (const auto* real = std::get_if<RealRange>(&values)) {
    // CLI11's own range has NaN in it.
    option.check(CLI::Validator(
        [low = real->low, high = real->high](const std::string& text) {
          double number = 0;
          if (CLI::detail::lexical_cast(text, number) && number >= low && number <= high) return std::string();
          return std::format("Value {} not in range [{} - {}]", text, low, high);
        },
        ""));
  } else if (const auto* choices = std::get_if<Choices>(&values)) {
    option.check(CLI::IsMember(*choices));
  }
}

// CLI11 takes "" for a number that was not given, and the digits after a zero for octal ones: "010" for eight.
std::string mend_number(std::string& number) {
  if (number.empty()) return "a number is missing";
  const std::size_t begin = number.starts_with('-') || number.starts_with('+') ? 1 : 0;
  if (number.size() > begin && number.find_first_not_of("0123456789", begin) == std::string::npos)
    number.erase(begin, std::min(number.find_first_not_of('0', begin), number.size() - 1) - begin);
  return {};
}

template <class T>
constexpr bool kIsNumber = std::is_arithmetic_v<T>;
template <class T>
constexpr bool kIsNumber<std::optional<T>> = std::is_arithmetic_v<T>;

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
  // Comes before those.
  if (std::visit([]<class T>(T*) { return !std::is_same_v<T, bool> && kIsNumber<T>; }, flag.target))
    option->transform(CLI::Validator(mend_number, ""));
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
        ->description(R"(Read flags from this file (TOML): normalize = true, column = ["title", "body"])")
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
  std::string text(std::istreambuf_iterator<char>(stream), {});
  if (const auto why = internal::why_not_utf8(text)) throw CLI::ConfigError("--config: file '" + file + "': " + *why);
  return text;
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
  const std::vector<std::string> given = words;
  for (const ConfigLine& line : *lines) {
    const std::string place = "file '" + *file + "', line " + std::to_string(line.line);
    const Flag* flag = find_flag(*command, line.name);
    if (flag == nullptr)
      throw CLI::ConfigError(place + ": --" + line.name + " is no flag of " + std::string(command->name));
    if (is_given(*flag, given)) continue;
    for (const std::string& value : line.values) {
      if (!std::holds_alternative<bool*>(flag->target)) {
        words.insert(words.end(), {"--" + line.name, value});
      } else if (value == "true") {
        words.push_back("--" + line.name);
      } else if (value != "false") {
        throw CLI::ConfigError(std::format("{}: {} is true or false, not '{}'", place, line.name, value));
      }
    }
    places.emplace_back("--" + line.name, place);
  }
}

// CLI11 says of a misspelt command that one is required.
void check_command(const std::vector<Command>& commands, std::span<const std::string> words) {
  if (words.empty() || words.front().starts_with('-')) return;
  const auto named = std::ranges::find(commands, words.front(), &Command::name);
  if (named == commands.end()) {
    std::string known;
    for (const Command& command : commands) known += (known.empty() ? "" : ", ") + std::string(command.name);
    throw CLI::ConfigError("there is no command '" + words.front() + "', but " + known);
  }
  if (!named->run) check_command(named->commands, words.subspan(1));
}

const Flag* find_flag_below(const Command& command, std::string_view name) {
  const Flag* flag = find_flag(command, name);
  for (auto own = command.commands.begin(); flag == nullptr && own != command.commands.end(); ++own)
    flag = find_flag_below(*own, name);
  return flag;
}

// "--prompt=" gives an empty value. CLI11 would take the next word for it, which may be a flag.
void part_empty_values(const Program& program, std::vector<std::string>& words) {
  const auto command = std::ranges::find_if(
      program.commands, [&](const Command& c) { return !words.empty() && c.name == words.front(); });
  if (command == program.commands.end()) return;
  for (std::size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    if (!words[i].starts_with("--")) continue;
    const std::size_t equals = words[i].find('=');
    const Flag* flag = find_flag_below(*command, std::string_view(words[i]).substr(0, equals).substr(2));
    if (flag == nullptr || std::holds_alternative<bool*>(flag->target)) continue;
    if (equals + 1 == words[i].size()) {
      words[i].pop_back();
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, "");
      ++i;
    } else if (equals == std::string::npos) {
      ++i;  // the next word is the value, whatever it looks like
    }
  }
}

// CLI11 takes [a,b] for two values, and [[aabb]] for one that is [ab].
std::string as_one_value(const std::string& word) {
  const std::size_t begin = word.starts_with("--") ? word.find('=') + 1 : 0;
  if (word.size() < begin + 2 || word[begin] != '[' || word.back() != ']') return word;
  std::string escaped = word.substr(0, begin) + "[[";
  for (std::size_t i = begin + 1; i + 1 < word.size(); ++i) escaped.append(2, word[i]);
  return escaped + "]]";
}

// What is wrong with a flag that comes from a file has its place.
std::string with_place(std::string message, const Places& places) {
  for (const auto& [flag, place] : places) {
    const std::size_t at = message.find(flag), end = at + flag.size();
    if (at == std::string::npos || (end < message.size() && (std::isalnum(message[end]) != 0 || message[end] == '-')))
      continue;
    return std::format("{}: {}", place, message);
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
    check_command(program.commands, words);
    part_empty_values(program, words);
    add_configured(program, words, places);
    std::ranges::transform(words, words.begin(), as_one_value);
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
