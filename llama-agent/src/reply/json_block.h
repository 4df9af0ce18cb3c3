// Calls that are JSON objects, among other forms of the same family: {"name": "look", "arguments": {…}}.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "call_block.h"

namespace llama::internal {

// tools: only an object that begins with one of these names is a call; none: whatever is there must be one.
[[nodiscard]] std::unique_ptr<CallBlock> json_block(const std::vector<std::string>& tools = {});

}  // namespace llama::internal
