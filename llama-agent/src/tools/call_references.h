// Put results of calls into the arguments of others: "${x}".
//
// x is a call: its id, its tool's name where one call only has it, or its number in the reply, from 1. A path may
// follow into a result that is JSON: "${x.files[0].name}". A string that is nothing but a reference becomes what the
// result is, a number or an object as well; in a longer string the text is put in. "$${x}" stays "${x}". What names no
// call is text: "${HOME}". What was put in is not read again.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama::internal {

// The call that a name means; nothing: none.
using CallByName = std::function<std::optional<std::size_t>(std::string_view name)>;

// Arguments: JSON text, at most as deep as CallLimits allow. Each call once, in the order in which they are named.
[[nodiscard]] std::vector<std::size_t> referenced_calls(std::string_view arguments, const CallByName& call_of);
[[nodiscard]] bool has_reference(std::string_view text, const CallByName& call_of);

struct ReplacedArguments {
  std::string typed;    // a reference alone is the JSON value that the result is
  std::string as_text;  // a reference alone is a string, whatever it is
};

// Errors   InvalidText: a path that leads nowhere, a path into what is no JSON, more than max_bytes.
[[nodiscard]] Result<ReplacedArguments> replace_references(std::string_view arguments, const CallByName& call_of,
                                                           const std::function<std::string(std::size_t)>& result_of,
                                                           std::size_t max_bytes);

}  // namespace llama::internal
