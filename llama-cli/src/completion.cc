#include "completion.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <format>
#include <iterator>
#include <ranges>

#include "exit_status.h"

namespace llama {
namespace {

// A command that runs, by the words that name it: "embed", "models list".
struct Leaf {
  std::string words;
  const Command* command;
};

void collect(const Command& command, const std::string& before, std::vector<Leaf>& leaves) {
  const std::string words = before.empty() ? std::string(command.name) : before + " " + std::string(command.name);
  if (command.run) leaves.push_back({words, &command});
  for (const Command& own : command.commands) collect(own, words, leaves);
}

std::vector<Leaf> leaves_of(const Program& program) {
  std::vector<Leaf> leaves;
  for (const Command& command : program.commands) collect(command, "", leaves);
  return leaves;
}

std::vector<std::string> names_of(const Flag& flag) {
  std::vector<std::string> names;
  for (const auto part : std::views::split(flag.name, ',')) names.emplace_back(std::string_view(part));
  return names;
}

bool is_place(const Flag& flag) { return !flag.name.starts_with('-'); }
bool takes_value(const Flag& flag) { return !std::holds_alternative<bool*>(flag.target); }
bool names_file(const Flag& flag) {
  return flag.value == "FILE" || flag.value == "FOLDER" || flag.value == "MODEL" ||
         std::holds_alternative<std::filesystem::path*>(flag.target) ||
         std::holds_alternative<std::optional<std::filesystem::path>*>(flag.target);
}

std::string choices_of(const Flag& flag) {
  std::string words;
  if (const auto* choices = std::get_if<Choices>(&flag.values))
    for (const std::string& choice : *choices) words += (words.empty() ? "" : " ") + choice;
  return words;
}

// The flags of a command as words, --help and --config among them.
std::string flag_words(const Command& command) {
  std::string words = "--help";
  if (command.takes_config) words += " --config";
  for (const Flag& flag : command.flags)
    if (!is_place(flag))
      for (const std::string& name : names_of(flag)) words += " " + name;
  return words;
}

std::string first_words(const Program& program) {
  std::string words;
  for (const Command& command : program.commands) words += (words.empty() ? "" : " ") + std::string(command.name);
  return words;
}

std::string own_words(const Command& command) {
  std::string words;
  for (const Command& own : command.commands) words += (words.empty() ? "" : " ") + std::string(own.name);
  return command.run ? words + " " + flag_words(command) : words;
}

// For a text between single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result;
}

// A line of roff: no command by accident, hyphens as they are typed.
std::string roff(std::string_view text) {
  std::string result = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text)
    result += c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c);
  return result;
}

using Writer = std::string (*)(const Program&);

Command shell_command(const std::function<const Program&()>& program, std::string_view name, std::string_view help,
                      Writer write) {
  return {.name = name, .help = help, .run = [program, write](Interrupt&) {
            std::fputs(write(program()).c_str(), stdout);
            return kDone;
          }};
}

}  // namespace

std::string bash_completion(const Program& program) {
  std::string cases, values, owns;
  for (const Leaf& leaf : leaves_of(program)) {
    cases += std::format("    '{}') flags='{}' ;;\n", leaf.words, flag_words(*leaf.command));
    for (const Flag& flag : leaf.command->flags) {
      if (is_place(flag) || !takes_value(flag)) continue;
      for (const std::string& name : names_of(flag)) {
        const std::string reply = names_file(flag)
                                      ? R"(local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")))"  // names with blanks
                                      : std::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))", choices_of(flag));
        values += std::format("    '{} {}') {}; return ;;\n", leaf.words, name, reply);
      }
    }
  }
  for (const Command& command : program.commands)
    if (!command.commands.empty()) owns += std::format("    '{}') flags='{}' ;;\n", command.name, own_words(command));
  return std::format(
      R"(# bash completion for {0}: source <({0} completion bash)
_llama_cli() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command='' flags='{1}' i
  for ((i = 1; i < COMP_CWORD && i < 3; i++)); do
    case ${{COMP_WORDS[i]}} in -*) break ;; *) command="${{command:+$command }}${{COMP_WORDS[i]}}" ;; esac
  done
  case ${{command%% *}} in {2}) ;; *) command=${{command%% *}} ;; esac
  case "$command $before" in
{3}  esac
  case "$command" in
{4}{5}  esac
  COMPREPLY=($(compgen -W "$flags" -- "$word"))
  case $word in -*) return ;; esac
  [ ${{#COMPREPLY[@]}} -gt 0 ] || {{ local IFS=$'\n'; COMPREPLY=($(compgen -f -- "$word")); }}
}}
complete -o filenames -F _llama_cli {0}
)",
      program.name, first_words(program),
      [&] {
        std::string with_own;
        for (const Command& command : program.commands)
          if (!command.commands.empty()) with_own += (with_own.empty() ? "" : "|") + std::string(command.name);
        return with_own.empty() ? std::string("''") : with_own;
      }(),
      values, owns, cases);
}

std::string zsh_completion(const Program& program) {
  // zsh runs bash's completions as they are.
  return "#compdef " + std::string(program.name) + "\nautoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion(program);
}

std::string fish_completion(const Program& program) {
  std::string text =
      std::format("# fish completion for {0}: {0} completion fish | source\ncomplete -c {0} -f\n", program.name);
  for (const Command& command : program.commands) {
    text += std::format("complete -c {} -n __fish_use_subcommand -a {} -d '{}'\n", program.name, command.name,
                        quoted(command.help));
    for (const Command& own : command.commands) {
      text += std::format("complete -c {} -n '__fish_seen_subcommand_from {}' -a {} -d '{}'\n", program.name,
                          command.name, own.name, quoted(own.help));
    }
  }
  for (const Leaf& leaf : leaves_of(program)) {
    const std::string last = leaf.words.substr(leaf.words.rfind(' ') + 1);
    text += std::format("complete -c {} -n '__fish_seen_subcommand_from {}' -s h -l help -d 'Print the help'\n",
                        program.name, last);
    if (leaf.command->takes_config)
      text += std::format(
          "complete -c {} -n '__fish_seen_subcommand_from {}' -l config -rF -d 'Read flags from this file (TOML)'\n",
          program.name, last);
    for (const Flag& flag : leaf.command->flags) {
      if (is_place(flag)) continue;
      std::string line = std::format("complete -c {} -n '__fish_seen_subcommand_from {}'", program.name, last);
      for (const std::string& name : names_of(flag))
        line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (takes_value(flag)) line += names_file(flag) ? " -rF" : " -x";
      if (const std::string words = choices_of(flag); !words.empty()) line += std::format(" -a '{}'", words);
      text += line + std::format(" -d '{}'\n", quoted(flag.help));
    }
  }
  return text;
}

std::string manual_page(const Program& program) {
  const std::string version = program.version();
  std::string text = std::format(
      ".TH {} 1 \"\" \"{}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n",
      [&] {
        std::string upper(program.name);
        std::ranges::transform(upper, upper.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        return upper;
      }(),
      version.substr(0, version.find('\n')), roff(program.name), roff(program.help));
  const std::vector<Leaf> leaves = leaves_of(program);
  for (const Leaf& leaf : leaves)
    text += std::format(".B {} {}\n.RI [ flags ]\n.br\n", roff(program.name), roff(leaf.words));
  text += ".SH COMMANDS\n";
  for (const Leaf& leaf : leaves) {
    text += std::format(".SS {} {}\n{}.\n", roff(program.name), roff(leaf.words), roff(leaf.command->help));
    text += ".TP\n.B \\-h, \\-\\-help\nPrint the flags and what they mean\n";
    if (leaf.command->takes_config)
      text += ".TP\n.B \\-\\-config \\fIFILE\\fR\nRead flags from this file (TOML); the command line's own go first\n";
    for (const Flag& flag : leaf.command->flags) {
      std::string names;
      for (const std::string& name : names_of(flag)) names += (names.empty() ? "" : ", ") + roff(name);
      text += std::format(".TP\n.B {}{}\n{}", names,
                          takes_value(flag) && !flag.value.empty() ? " \\fI" + roff(flag.value) + "\\fR" : "",
                          roff(flag.help));
      if (const std::string words = choices_of(flag); !words.empty()) text += " (" + roff(words) + ")";
      text += '\n';
    }
    // Those that differ from all others'.
    if (const auto footer = leaf.command->footer; !footer.empty() && footer != kStatusHelp)
      text += ".PP\n" + roff(footer) + "\n";
  }
  return text + ".SH EXIT STATUS\n" + roff(kStatusHelp.substr(kStatusHelp.find(':') + 2)) + "\n";
}

Command completion_command(const std::function<const Program&()>& program) {
  return {.name = "completion",
          .help = "Print a completion script for a shell",
          .commands = {shell_command(program, "bash", "source <(llama-cli completion bash)", bash_completion),
                       shell_command(program, "zsh", "source <(llama-cli completion zsh)", zsh_completion),
                       shell_command(program, "fish", "llama-cli completion fish | source", fish_completion)}};
}

Command manual_command(const std::function<const Program&()>& program) {
  return shell_command(program, "manual", "Print the manual page: llama-cli manual | man -l -", manual_page);
}

}  // namespace llama
