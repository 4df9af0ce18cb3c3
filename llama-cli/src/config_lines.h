// Where the settings of a TOML file stand, and what of it is no TOML: CLI11 reads the values, and takes whatever it
// does not understand for something else.
//
// Read are: NAME = VALUE with strings, bare words, arrays of those over any number of lines, and comments. Sections
// have no meaning here.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llama-base/error.h"

namespace llama {

using ConfigLines = std::vector<std::pair<std::string, std::size_t>>;  // names, and their lines from 1

// Errors   InvalidArgument: "line 3: the array that begins here has no ]".
[[nodiscard]] Result<ConfigLines> find_config_lines(std::string_view text);

}  // namespace llama
