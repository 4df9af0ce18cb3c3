// Read JSON whose members keep their order, in time linear in its text.
//
// The JSON library's own reader looks through all members of an object at each new one.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

// Of two members with one name the last one counts, in the first one's place.
//
// Errors   InvalidArgument: why it is no JSON, and where.
// Requires json_depth() of it to be bounded.
[[nodiscard]] Result<nlohmann::ordered_json> read_ordered_json(std::string_view text);

}  // namespace llama::internal
