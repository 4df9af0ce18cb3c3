// Read a TOML file of settings: what they are called, where they stand, what they say.
//
// Read are: NAME = VALUE with strings, bare words, arrays of those over any number of lines, and comments. Sections
// have no meaning here. CLI11's own reader takes a comment in an array, or a comma after its last value, for values.
// Pure.
// Source   https://toml.io/en/v1.0.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct ConfigLine {
  std::string name;
  std::size_t line = 1;             // the first of the file is 1
  std::vector<std::string> values;  // of an array all, arrays within it too; else one: a word, or what quotes hold
};
using ConfigLines = std::vector<ConfigLine>;

// Errors   InvalidArgument: "line 3: the array that begins here has no ]".
[[nodiscard]] Result<ConfigLines> find_config_lines(std::string_view text);

}  // namespace llama
