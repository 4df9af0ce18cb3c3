// Describe a command of the program as data: its name, its flags, what it does.
//
// Each command's own file makes such a description; command_line.cc, the only one that knows the parser, reads them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "interrupt.h"

namespace llama {

// The variable that a flag's value goes to; its type says how the value is read. A bool is a flag without a value, a
// vector one that may be given several times; of Choices also several at once, with commas between.
using FlagTarget = std::variant<bool*, std::int32_t*, std::uint64_t*, std::string*, std::filesystem::path*,
                                std::optional<std::int32_t>*, std::optional<std::uint32_t>*,
                                std::optional<std::uint64_t>*, std::optional<float>*, std::optional<std::string>*,
                                std::optional<std::filesystem::path>*, std::vector<std::string>*>;

struct WholeRange {
  std::int32_t low, high;  // both are possible
};
struct RealRange {
  double low, high;  // both are possible
};
using Choices = std::vector<std::string>;
// What values are possible; monostate: all that the target can hold.
using FlagValues = std::variant<std::monostate, WholeRange, RealRange, Choices>;

struct Flag {
  std::string_view name;  // "--quiet", "-m,--model"; "model" takes its place among the arguments instead
  FlagTarget target;
  std::string_view help;
  std::string_view value{};  // what the help calls it: "FILE", "TOKENS"
  FlagValues values{};
  bool required = false;
  bool takes_several = false;   // of a vector: also values one after the other, as a shell makes them of a glob
  bool shows_default = false;   // the target's value before the command line is read
  std::string_view excludes{};  // a flag of the same command
  std::string_view needs{};     // likewise
  // What the value may be called, for the help alone: it is only asked when that is printed.
  std::function<std::vector<std::string>()> names{};
};
using Flags = std::vector<Flag>;

struct Command {
  std::string_view name, help;
  Flags flags{};
  std::vector<Command> commands{};       // of its own; one of them must be named, unless it runs itself
  std::string_view footer{};             // of the help, and of its commands' help
  bool takes_config = false;             // --config FILE: flags from a file (TOML), without their hyphens in front
  std::function<int(Interrupt&)> run{};  // returns the exit status (exit_status.h)
};

}  // namespace llama
