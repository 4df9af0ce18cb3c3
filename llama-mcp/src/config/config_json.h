// Read the JSON of config files as people write it: with comments, and commas before a closing bracket.
//
// Source   VS Code's and Claude Code's files are "JSON with comments".
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "llama-base/error.h"

namespace llama::internal {

// Commas that only a closing bracket follows become blanks, so that every byte keeps its place.
[[nodiscard]] std::string without_trailing_commas(std::string_view text);

// Errors   InvalidArgument: "line 3, column 7: no JSON here", a name that comes twice in one object of the first two
//          levels, nested too deep. No value of the text is in a message.
[[nodiscard]] Result<nlohmann::ordered_json> parse_config_json(std::string_view text);

}  // namespace llama::internal
